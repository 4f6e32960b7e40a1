/* Exact decimals as scaled BigInts: what an order's quantities, prices and amounts are worked out with. */

const FORM = /^\s*(-?)(\d{1,15})(?:\.(\d*))?\s*$/;

/** Units of 10^-scale, rounded half away from zero; undefined when the value is no decimal number. */
export function parseDecimal(value, scale) {
  const match = FORM.exec(String(value ?? ''));
  if (!match) return undefined;
  const [, sign, whole, fraction = ''] = match;
  const kept = BigInt(whole + fraction.slice(0, scale).padEnd(scale, '0'));
  const up = fraction.length > scale && fraction[scale] >= '5' ? 1n : 0n;
  return sign ? -(kept + up) : kept + up;
}

export function rescale(units, from, to) {
  if (to >= from) return units * 10n ** BigInt(to - from);
  const divisor = 10n ** BigInt(from - to);
  const half = units < 0n ? -divisor / 2n : divisor / 2n;
  return (units + half) / divisor;
}

/** The number that prints as this decimal. */
export function toNumber(units, scale) {
  const digits = String(units < 0n ? -units : units).padStart(scale + 1, '0');
  const at = digits.length - scale;
  return Number(`${units < 0n ? '-' : ''}${digits.slice(0, at)}.${digits.slice(at) || '0'}`);
}
