/*
 * Figures, and the table of them.
 */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** base 0: there is no bare counterpart. */
export const figure = (name, ours, base, unit, note) => ({ name, ours, base, unit, note });

export const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

/** What a program prints. */
export async function output(file, list) {
  const { stdout } = await promisify(execFile)(file, list.map(String), { maxBuffer: 1 << 24 });
  return stdout;
}

const number = (value) => (value >= 1000 ? Math.round(value).toLocaleString('en-US').replaceAll(',', ' ') : value.toFixed(value >= 100 ? 0 : value >= 1 ? 1 : 3));

export function table(figures) {
  const rows = figures.map(({ name, ours, base, unit, note }) => [
    name, number(ours), base > 0 ? number(base) : '-', base > 0 ? (ours / base).toFixed(2) : '-', unit, note,
  ]);
  return [['what', 'ml-connector', 'bare', 'ratio', 'unit', 'note'], ['---', '---:', '---:', '---:', '---', '---'], ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
