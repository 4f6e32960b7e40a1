/*
 * MD4 (RFC 1320), which Node's OpenSSL has no more: NTLM's password hash is made with it. For tests only.
 */

const ROUNDS = [
  { add: 0, mix: (x, y, z) => (x & y) | (~x & z), order: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15], turns: [3, 7, 11, 19] },
  { add: 0x5a827999, mix: (x, y, z) => (x & y) | (x & z) | (y & z), order: [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15], turns: [3, 5, 9, 13] },
  { add: 0x6ed9eba1, mix: (x, y, z) => x ^ y ^ z, order: [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15], turns: [3, 9, 11, 15] },
];

const turn = (word, bits) => (word << bits) | (word >>> (32 - bits));

function padded(data) {
  const room = Buffer.alloc(Math.ceil((data.length + 9) / 64) * 64);
  data.copy(room);
  room[data.length] = 0x80;
  room.writeUInt32LE(data.length * 8, room.length - 8);
  return room;
}

/** Of a Buffer below 512 MiB; gives 16 bytes. */
export function md4(data) {
  const text = padded(data);
  let state = [0x67452301, 0xefcdab89 | 0, 0x98badcfe | 0, 0x10325476];
  for (let block = 0; block < text.length; block += 64) {
    let [a, b, c, d] = state;
    for (const { add, mix, order, turns } of ROUNDS) {
      order.forEach((word, step) => {
        const sum = (a + mix(b, c, d) + text.readInt32LE(block + 4 * word) + add) | 0;
        [a, b, c, d] = [d, turn(sum, turns[step % 4]), b, c];
      });
    }
    state = [a, b, c, d].map((word, at) => (word + state[at]) | 0);
  }
  const out = Buffer.alloc(16);
  state.forEach((word, at) => out.writeInt32LE(word, 4 * at));
  return out;
}
