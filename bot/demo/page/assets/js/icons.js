// Line icons on a 20 × 20 grid.  They are decoration: the text or label beside them speaks.
import { html } from "./preact.js";

const PATHS = {
  hash: "M7 3 5.500 17M14.500 3 13 17M3.500 7.500h13.500M3 12.500h13.500",
  lock: "M5 9h10v8H5zM7 9V6.500a3 3 0 0 1 6 0V9",
  menu: "M3 5h14M3 10h14M3 15h14",
  close: "m5 5 10 10M15 5 5 15",
  send: "M3 3.500 17.500 10 3 16.500 5 10zM5 10h6",
  eye: "M2 10s3-5 8-5 8 5 8 5-3 5-8 5-8-5-8-5zM10 7.800a2.200 2.200 0 1 0 0 4.400 2.200 2.200 0 0 0 0-4.400",
  down: "m5 7.500 5 5 5-5",
  right: "m7.500 5 5 5-5 5",
  check: "m4 10.500 4 4 8-9",
  clock: "M10 2.500a7.500 7.500 0 1 0 0 15 7.500 7.500 0 0 0 0-15M10 6v4.500l3 2",
  gauge: "M3 14a7 7 0 1 1 14 0M10 14l3.500-5",
  bolt: "M11 2 4 11.500h5L8.500 18 16 8.500h-5z",
  cloud: "M6 15.500h8.500a3.300 3.300 0 0 0 .4-6.600A5 5 0 0 0 5.300 8 3.800 3.800 0 0 0 6 15.500z",
  image: "M3 4h14v12H3zM3 13.500l4-4 4 4 2.500-2.500 3.500 3.500M13 7.500h.01",
  info: "M10 2.500a7.500 7.500 0 1 0 0 15 7.500 7.500 0 0 0 0-15M10 9v5M10 6.300h.01",
  warning: "M10 3 18 17H2zM10 8v4.500M10 14.700h.01",
  more: "M4.500 10h.01M10 10h.01M15.500 10h.01",
  replies: "M4 4h12v9H9.500L6 16.500V13H4z",
  sun: "M10 6.500a3.500 3.500 0 1 0 0 7 3.500 3.500 0 0 0 0-7M10 1.500v2M10 16.500v2M1.500 10h2M16.500 10h2M4 4l1.400 1.400M14.600 14.600 16 16M16 4l-1.400 1.400M5.400 14.600 4 16",
  moon: "M16.500 12A7 7 0 0 1 8 3.500a7 7 0 1 0 8.500 8.500z",
  auto: "M10 2.500a7.500 7.500 0 1 0 0 15 7.500 7.500 0 0 0 0-15v15",
  restart: "M4 10a6 6 0 1 1 1.800 4.300M4 15.500v-4h4",
};

export function Icon({ name, size = 18 }) {
  return html`<svg class="icon" width=${size} height=${size} viewBox="0 0 20 20" aria-hidden="true"><path d=${PATHS[name]} /></svg>`;
}
