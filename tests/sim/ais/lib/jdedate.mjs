/*
 * JD Edwards dates: stored as CYYDDD (126327 is day 327 of 2026), shown in the
 * user's simpleDateFormat. 0 is the blank date.
 */

const DAY = 86400000;
const two = (number) => String(number).padStart(2, '0');

export function julianOf(year, month, day) {
  const start = Date.UTC(year, 0, 1);
  return (year - 1900) * 1000 + Math.round((Date.UTC(year, month - 1, day) - start) / DAY) + 1;
}

/** { year, month, day } */
export function civilOf(julian) {
  const year = 1900 + Math.floor(julian / 1000);
  const date = new Date(Date.UTC(year, 0, julian % 1000));
  return { year, month: date.getUTCMonth() + 1, day: date.getUTCDate() };
}

export function isoOf(julian) {
  const { year, month, day } = civilOf(julian);
  return `${year}-${two(month)}-${two(day)}`;
}

export const addDays = (julian, days) => {
  const { year, month, day } = civilOf(julian);
  const date = new Date(Date.UTC(year, month - 1, day + days));
  return julianOf(date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate());
};

/** format: simpleDateFormat with dd, MM, yy or yyyy. The blank date gives "". */
export function formatDate(julian, format) {
  if (!julian) return '';
  const { year, month, day } = civilOf(julian);
  const parts = { yyyy: String(year), yy: two(year % 100), MM: two(month), dd: two(day) };
  return format.replace(/yyyy|yy|MM|dd/g, (name) => parts[name]);
}

/** CYYDDD of a text in that format; 0 for a blank one; undefined when it is no such date. */
export function parseDate(text, format) {
  if (text.trim() === '') return 0;
  const names = [];
  const pattern = format.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/yyyy|yy|MM|dd/g, (name) => {
    names.push(name);
    return name === 'yyyy' ? '(\\d{4})' : '(\\d{1,2})';
  });
  const match = new RegExp(`^${pattern}$`).exec(text.trim());
  if (!match) return undefined;
  const parts = Object.fromEntries(names.map((name, at) => [name, Number(match[at + 1])]));
  // Two digits: the century rule of a JD Edwards installation is a setting; this is its default.
  const year = parts.yyyy ?? (parts.yy >= 50 ? 1900 : 2000) + parts.yy;
  return checked(year, parts.MM, parts.dd);
}

/** The user's format, "yyyy-MM-dd" or "yyyyMMdd": what date inputs of an orchestration may look like. */
export function parseAnyDate(value, format) {
  const text = String(value);
  return parseDate(text, format) ?? parseDate(text, 'yyyy-MM-dd') ?? (/^\d{8}$/.test(text) ? parseDate(text, 'yyyyMMdd') : undefined);
}

function checked(year, month, day) {
  const date = new Date(Date.UTC(year, month - 1, day));
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  return julianOf(year, month, day);
}
