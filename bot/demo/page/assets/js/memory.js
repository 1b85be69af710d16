// What this browser remembers of a person's ways: theme, tour, what was read.
import { useCallback, useState } from "./preact.js";

function recall(name, fallback) {
  try {
    return JSON.parse(localStorage.getItem(`playground.${name}`)) ?? fallback;
  } catch {
    return fallback;
  }
}

function remember(name, value) {
  try {
    localStorage.setItem(`playground.${name}`, JSON.stringify(value));
  } catch {
    // A browser that keeps nothing still shows everything.
  }
}

/** A state that outlives the page: [value, set]; `set` takes a value or a function of the old one. */
export function useMemory(name, fallback) {
  const [value, setValue] = useState(() => recall(name, fallback));
  const set = useCallback((next) => setValue((old) => {
    const made = typeof next === "function" ? next(old) : next;
    if (made !== old) remember(name, made);
    return made;
  }), [name]);
  return [value, set];
}
