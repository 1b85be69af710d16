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

/**
 * The state of one simulator, fetched again at every `change` event: { data, error }.
 * A hidden tab lets its event stream go: browsers allow six connections to an origin, no more.
 */
export function useLive(base, query = "") {
  const [live, setLive] = useState({ data: null, error: null });
  useEffect(() => {
    const fetcher = fetchOneAtATime(`${base}/state${query}`, setLive);
    const stopEvents = whileVisible(() => listen(`${base}/events${query}`, fetcher));
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
  const source = new EventSource(path);
  source.addEventListener("open", load);
  source.addEventListener("change", load);
  source.addEventListener("error", fail);
  load();
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
