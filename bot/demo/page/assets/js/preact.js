// The one door to the borrowed library: everything else imports from here.
import htm from "../vendor/htm.mjs";
import { createContext, Fragment, h, render } from "../vendor/preact.mjs";

export * from "../vendor/hooks.mjs";
export { createContext, Fragment, render };
export const html = htm.bind(h);
