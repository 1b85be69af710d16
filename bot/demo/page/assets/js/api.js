// The two simulators' control routes: one request, and a state that stays fresh by itself.
import { useEffect, useState } from "./preact.js";

/** Answers the JSON body.  Throws an Error whose message can be shown to people. */
export async function request(method, path, body) {
  const init = { method, headers: {} };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers["content-type"] = "application/json";
  }
  let answer;
  try {
    answer = await fetch(path, init);
  } catch {
    throw new Error("The playground does not answer. Is it still running?");
  }
  const data = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(data.error ?? `The playground answered ${answer.status} to ${path}.`);
  return data;
}

export const post = (path, body = {}) => request("POST", path, body);

/** The state of one simulator, fetched again at every `change` event while it is seen: { data, error }. */
export function useLive(base, query = "") {
  const [live, setLive] = useState({ data: null, error: null });
  useEffect(() => {
    const fetcher = fetchOneAtATime(`${base}/state${query}`, setLive);
    const stopEvents = whileVisible(() => listen(`${base}/events`, fetcher));
    return () => {
      stopEvents();
      fetcher.stop();
    };
  }, [base, query]);
  return live;
}

function fetchOneAtATime(path, setLive) {
  let running = false;
  let wanted = false;
  let stopped = false;
  const tell = (change) => stopped || setLive(change);
  async function load() {
    wanted = true;
    if (running) return;
    running = true;
    while (wanted && !stopped) {
      wanted = false;
      try {
        const data = await request("GET", path);
        tell({ data, error: null });
      } catch (failure) {
        tell((old) => ({ ...old, error: failure.message }));
      }
    }
    running = false;
  }
  const fail = () => tell((old) => ({ ...old, error: "The playground has stopped. Start it again and this page goes on." }));
  return { load, fail, stop: () => (stopped = true) };
}

function listen(path, { load, fail }) {
  const on = { open: load, change: load, error: fail };
  const stop = shared ? listenShared(new URL(path, document.baseURI).href, on) : listenAlone(path, on);
  load();
  return stop;
}

/** The stream that all windows share (stream.js), or null where the browser has no shared workers. */
const shared = (() => {
  try {
    const { port } = new SharedWorker(new URL("./stream.js", import.meta.url), { name: "town" });
    port.start();
    return port;
  } catch {
    return null;
  }
})();

function listenShared(path, on) {
  const told = ({ data }) => data.path === path && on[data.kind]();
  shared.addEventListener("message", told);
  shared.postMessage({ path, on: true });
  return () => {
    shared.removeEventListener("message", told);
    shared.postMessage({ path, on: false });
  };
}

function listenAlone(path, on) {
  const source = new EventSource(path);
  for (const [kind, told] of Object.entries(on)) source.addEventListener(kind, told);
  return () => source.close();
}

function whileVisible(start) {
  let stop = null;
  function update() {
    if (document.hidden) stop = stop?.() ?? null;
    else stop ??= start();
  }
  document.addEventListener("visibilitychange", update);
  update();
  return () => {
    document.removeEventListener("visibilitychange", update);
    stop?.();
  };
}
