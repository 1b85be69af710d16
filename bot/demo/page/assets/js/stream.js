// A shared worker: one event stream from each simulator for all windows of this browser.
// Browsers allow six connections to an origin, and two streams a window would use them up.
// A window sends {path, on}; it is told {path, kind}, kind being open, change or error.
const streams = new Map();

addEventListener("connect", ({ ports: [port] }) => {
  port.addEventListener("message", ({ data: { path, on } }) => (on ? join(path, port) : leave(path, port)));
  port.start();
});

function join(path, port) {
  const stream = streams.get(path) ?? open(path);
  stream.ports.add(port);
  if (stream.source.readyState === EventSource.OPEN) port.postMessage({ path, kind: "open" });
}

function open(path) {
  const stream = { source: new EventSource(path), ports: new Set() };
  for (const kind of ["open", "change", "error"]) {
    stream.source.addEventListener(kind, () => stream.ports.forEach((port) => port.postMessage({ path, kind })));
  }
  streams.set(path, stream);
  return stream;
}

function leave(path, port) {
  const stream = streams.get(path);
  stream?.ports.delete(port);
  if (stream && !stream.ports.size) {
    stream.source.close();
    streams.delete(path);
  }
}
