/*
 * Exact decimal arithmetic on scaled BigInts.
 *
 * Money and decimal columns never pass through a binary floating point number:
 * a value is a BigInt that counts units of 10^-scale, and is stored and written
 * as fixed-point text ("12.5000"). Rounding is half away from zero.
 */

export const MONEY_SCALE = 4;
export const DECIMAL_SCALE = 10;

const NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/** Number lexeme -> { units, exact }; null when the text is not a number or is absurdly large. */
export function parseDecimal(text, scale) {
  const match = NUMBER.exec(text);
  if (!match) return null;
  const [, sign, whole, fraction = '', exponent = '0'] = match;
  const shift = Number(exponent);
  if (Math.abs(shift) > 60) return null;
  const drop = fraction.length - shift - scale;
  let units = BigInt(whole + fraction);
  let exact = true;
  if (drop > 0) {
    const divisor = 10n ** BigInt(drop);
    exact = units % divisor === 0n;
    units = divideRounded(units, divisor);
  } else {
    units *= 10n ** BigInt(-drop);
  }
  return { units: sign ? -units : units, exact };
}

/** Text written by formatDecimal (or null) -> units at that scale; null counts as zero. */
export function unitsOf(text, scale) {
  return text === null || text === undefined ? 0n : parseDecimal(text, scale).units;
}

export function formatDecimal(units, scale) {
  const negative = units < 0n;
  const digits = (negative ? -units : units).toString().padStart(scale + 1, '0');
  const text = `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
  return negative ? `-${text}` : text;
}

/** Quotient rounded half away from zero; the divisor is positive. */
export function divideRounded(value, divisor) {
  const negative = value < 0n;
  const magnitude = negative ? -value : value;
  const rounded = (magnitude + divisor / 2n) / divisor;
  return negative ? -rounded : rounded;
}

/** price (money) x quantity (decimal) -> money, all in units. */
export function multiplyPrice(priceUnits, quantityUnits) {
  return divideRounded(priceUnits * quantityUnits, 10n ** BigInt(DECIMAL_SCALE));
}
