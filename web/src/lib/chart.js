// The arithmetic of charts; what draws them is in components/charts.
import { locale } from "./i18n.js";

/** Round numbers from 0 to at least `max`, at most five of them. @param {number} max */
export function ticks(max) {
  const raw = Math.max(max, 1) / 4;
  const power = 10 ** Math.floor(Math.log10(raw));
  // What is counted is whole.
  const step = Math.max(1, [1, 2, 5, 10].map((each) => each * power).find((each) => each >= raw) ?? raw);
  return Array.from({ length: Math.ceil(Math.max(max, 1) / step) + 1 }, (_, index) => index * step);
}

/** Every how many-th label there is room for. @param {number} count @param {number} width @param {number} [each] pixels of one */
export const every = (count, width, each = 56) => Math.max(1, Math.ceil((count * each) / Math.max(width, 1)));

/** How strong a day is, 0 (nothing) to 4; the root lets quiet days be seen beside a loud one. @param {number} value @param {number} max */
export const level = (value, max) => (value ? Math.max(1, Math.ceil(4 * Math.sqrt(value / max))) : 0);

/**
 * Days in columns of weeks, the first of which may begin late.
 * @template {{ date: string }} T @param {T[]} days in order @param {number} [firstDay] 1 is Monday, 7 Sunday
 * @returns {{ day: T, column: number, row: number }[]}
 */
export function weeks(days, firstDay = 1) {
  const row = (/** @type {T} */ day) => (new Date(`${day.date}T00:00Z`).getUTCDay() - firstDay + 14) % 7;
  let column = 0;
  return days.map((day, index) => {
    if (index && row(day) === 0) column++;
    return { day, column, row: row(day) };
  });
}

/**
 * Hours by weekday (0 is Monday) and hour of the day; where a clock was put back, two are one.
 * @param {{ date: string, value: number }[]} hours
 * @returns {{ row: number, hour: number, value: number }[]}
 */
export function hourGrid(hours) {
  const cells = Array.from({ length: 7 * 24 }, (_, index) => ({ row: Math.floor(index / 24), hour: index % 24, value: 0 }));
  for (const { date, value } of hours) {
    const row = (new Date(`${date.slice(0, 10)}T00:00Z`).getUTCDay() + 6) % 7;
    cells[row * 24 + Number(date.slice(11, 13))].value += value;
  }
  return cells;
}

/** A point in time of the statistics: an hour, a day or a month. @param {string} date @param {boolean} [long] */
export function pointName(date, long = false) {
  if (date.length > 10) return date.slice(11, 16);
  const isDay = date.length === 10;
  const short = isDay ? { month: "numeric", day: "numeric" } : { year: "2-digit", month: "numeric" };
  const full = isDay ? { dateStyle: "full" } : { year: "numeric", month: "long" };
  return new Intl.DateTimeFormat(locale(), { timeZone: "UTC", .../** @type {any} */ (long ? full : short) }).format(new Date(isDay ? date : `${date}-01`));
}

/** @param {number} value */
export const compact = (value) => new Intl.NumberFormat(locale(), { notation: "compact", maximumFractionDigits: 1 }).format(value);
