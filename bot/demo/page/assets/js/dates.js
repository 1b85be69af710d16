// Dates as Slack words them, in the reader's own time zone.
//   clock(1760000000)                                 → "8:53 AM"
//   worded(1760000000, "{date_short} at {time}", now) → "Oct 9, 2025 at 8:53 AM"
// Times are seconds since 1970; `now` is the town's clock, which can be moved.

const LANGUAGE = "en-US";
const DAY = 86400;

export const clock = (at) => show(at, { hour: "numeric", minute: "2-digit" });
export const exact = (at) => show(at, { dateStyle: "full", timeStyle: "medium" });

export function worded(at, pattern, now) {
  return pattern.replace(/\{(\w+)\}/g, (token, name) => (TOKENS[name] ? TOKENS[name](at, now) : token));
}

/** "Today", "Yesterday" or "Wednesday, October 8th": the line between two days of messages. */
export function dayName(at, now) {
  const named = relativeDay(at, now);
  return named ? named[0].toUpperCase() + named.slice(1) : longDay(at, yearOf(at) !== yearOf(now));
}

export function ago(at, now) {
  const seconds = Math.max(0, now - at);
  const [size, unit] = [[DAY, "day"], [3600, "hour"], [60, "minute"]].find(([s]) => seconds >= s) ?? [1, "second"];
  const count = Math.floor(seconds / size);
  return unit === "second" && count < 10 ? "just now" : `${count} ${unit}${count === 1 ? "" : "s"} ago`;
}

/** What is left until `at`: "7 h 12 min", "45 s". */
export function until(at, now) {
  const seconds = Math.max(0, Math.ceil(at - now));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export const sameDay = (a, b) => date(a).toDateString() === date(b).toDateString();

const TOKENS = {
  date: (at) => monthDay(at, true),
  date_pretty: (at, now) => relativeDay(at, now) ?? monthDay(at, true),
  date_num: (at) => [date(at).getFullYear(), pad(date(at).getMonth() + 1), pad(date(at).getDate())].join("-"),
  date_slash: (at) => [pad(date(at).getDate()), pad(date(at).getMonth() + 1), date(at).getFullYear()].join("/"),
  date_short: (at) => show(at, { month: "short", day: "numeric", year: "numeric" }),
  date_short_pretty: (at, now) => relativeDay(at, now) ?? TOKENS.date_short(at),
  date_long: (at) => longDay(at, true),
  date_long_full: (at) => show(at, { month: "long", day: "numeric", year: "numeric" }),
  date_long_pretty: (at, now) => relativeDay(at, now) ?? longDay(at, true),
  day_divider_pretty: (at, now) => relativeDay(at, now) ?? longDay(at, yearOf(at) !== yearOf(now)),
  time: clock,
  time_secs: (at) => show(at, { hour: "numeric", minute: "2-digit", second: "2-digit" }),
  ago,
};

const date = (at) => new Date(at * 1000);
const yearOf = (at) => date(at).getFullYear();
const pad = (number) => String(number).padStart(2, "0");

function show(at, options) {
  return new Intl.DateTimeFormat(LANGUAGE, options).format(date(at));
}

function monthDay(at, withYear) {
  const day = date(at).getDate();
  const ending = [11, 12, 13].includes(day) ? "th" : (["th", "st", "nd", "rd"][day % 10] ?? "th");
  return `${show(at, { month: "long" })} ${day}${ending}${withYear ? `, ${yearOf(at)}` : ""}`;
}

const longDay = (at, withYear) => `${show(at, { weekday: "long" })}, ${monthDay(at, withYear)}`;

function relativeDay(at, now) {
  // Midday to midday, because days of 23 and 25 hours would shift a count of seconds.
  const midday = (when) => new Date(date(when).setHours(12, 0, 0, 0)).getTime() / 1000;
  return { "-1": "yesterday", 0: "today", 1: "tomorrow" }[Math.round((midday(at) - midday(now)) / DAY)];
}
