'use strict';

// What a server answers that means harm: an answer of etcd's of which something is changed, in the body, in the block of
// headers or in the framing. `makeAnswer(dice, request, number)` gives { bytes, sent, after }: `sent` is the text of the
// body if it arrives whole, as far as HTTP goes.

const ACTIONS = ['set', 'create', 'update', 'delete', 'expire', 'compareAndSwap', 'compareAndDelete', 'get'];
const OWN_EVENTS = ['error', 'stop', 'resync', 'reconnect', 'newListener', 'removeListener', 'change', '__proto__'];
const ODD_JSON = [
  null,
  true,
  -1,
  0,
  1e308,
  2 ** 53,
  0.5,
  '',
  'text',
  '\u0000',
  '\ud800',
  [],
  {},
  [[]],
  [{}],
  { key: 7 },
  { toString: 1 },
  JSON.parse('{"then":"x"}'),
  { length: -1 },
];
const VALUES_BEYOND_BOUNDS = 1_100_000;
const DEPTH = 20_000;

function goodBody(dice, key, number) {
  const index = 1000 + number;
  const node = { key, value: `v${number}`, modifiedIndex: index, createdIndex: index };
  const prevNode = { ...node, value: 'before', modifiedIndex: index - 1 };
  return { action: dice.pick(ACTIONS), node, prevNode };
}

/** Every place of a tree, as [holder, name]. */
function placesOf(tree) {
  return Object.keys(tree).flatMap((name) => {
    const below = tree[name] !== null && typeof tree[name] === 'object' ? placesOf(tree[name]) : [];
    return [[tree, name], ...below];
  });
}

const BODIES = {
  good: (_dice, body) => JSON.stringify(body),
  odd(dice, body) {
    const [holder, name] = dice.pick(placesOf(body));
    holder[name] = dice.pick(ODD_JSON);
    return JSON.stringify(body);
  },
  missing(dice, body) {
    const [holder, name] = dice.pick(placesOf(body));
    delete holder[name];
    return JSON.stringify(body);
  },
  ownEvent: (dice, body) => JSON.stringify({ ...body, action: dice.pick(OWN_EVENTS) }),
  listed: (_dice, body) => JSON.stringify([body]),
  twice: (_dice, body) => JSON.stringify(body) + JSON.stringify(body),
  repeatedName: (_dice, body) => JSON.stringify(body).replace('{', '{"action":"stop",'),
  proto: (_dice, body) => JSON.stringify(body).replace('{', '{"__proto__":{"action":"stop"},'),
  refusal: (dice) => JSON.stringify({ errorCode: dice.pick([100, 300, 401, -1, 'x', null]), cause: '/', index: 5 }),
  scalar: (dice) => JSON.stringify(dice.pick(ODD_JSON)),
  flipped(dice, body) {
    const bytes = Buffer.from(JSON.stringify(body));
    bytes[dice.below(bytes.length)] = dice.below(256);
    return bytes.toString('latin1');
  },
  cut: (dice, body) => JSON.stringify(body).slice(0, dice.below(60)),
  deep: () => '['.repeat(DEPTH) + ']'.repeat(DEPTH),
};

const STATUS = [
  '200 OK',
  '201 Created',
  '204 No Content',
  '304 Not Modified',
  '307 Temporary Redirect',
  '400 Bad Request',
  '401 Unauthorized',
  '404 Not Found',
  '412 Precondition Failed',
  '500 X',
  '503 X',
  '099 X',
  '999 X',
  '100 Continue',
];
const HEADERS = [
  'X-Etcd-Index: -1',
  'X-Etcd-Index: 99999999999999999999',
  'X-Etcd-Index: x',
  'Content-Encoding: gzip',
  'Content-Encoding: nothing',
  'Content-Type: text/html',
  'Connection: close',
  'Keep-Alive: timeout=-1',
  'Location: //',
  'Location: http://127.0.0.1:1/',
  'Set-Cookie: a',
  'no colon',
  ': nameless',
  'X-Nul: \0',
  ' folded: line',
  '__proto__: x',
  'constructor: x',
  'X-Long: '.padEnd(20_000, 'x'),
  'X-Latin: \xff\xfe',
  'Trailer: X-Etcd-Index',
];

const chunk = (text) => `${Buffer.byteLength(text, 'latin1').toString(16)}\r\n${text}\r\n`;
const half = (text) => Math.floor(text.length / 2);

/** [head lines, bytes of the body, whether it arrives whole] of a text in latin1. */
const FRAMINGS = {
  length: (_dice, text) => [[`Content-Length: ${text.length}`], text, true],
  chunks: (_dice, text) => {
    const parts = [text.slice(0, half(text)), text.slice(half(text))].filter((part) => part !== '');
    return [['Transfer-Encoding: chunked'], `${parts.map(chunk).join('')}0\r\n\r\n`, true];
  },
  untilClose: (_dice, text) => [['Connection: close'], text, true],
  cutLength: (dice, text) => [[`Content-Length: ${text.length + 1 + dice.below(9)}`], text, false],
  cutChunks: (_dice, text) => [['Transfer-Encoding: chunked'], chunk(text), false],
  badChunk: (dice, text) => [
    ['Transfer-Encoding: chunked'],
    dice.pick(['-1\r\n', 'zz\r\n', 'ffffffffffffffffff\r\n', '\r\n', '5;\0\r\n']) + text,
    false,
  ],
  badLength: (dice, text) => [
    [`Content-Length: ${dice.pick(['-1', '1e3', '0x10', '99999999999999999999', 'x'])}`],
    text,
    false,
  ],
  lengths: (_dice, text) => [[`Content-Length: ${text.length}`, `Content-Length: ${text.length + 1}`], text, false],
  nothing: () => [['Content-Length: 0'], '', false],
};

const pickName = (dice, table) => dice.pick(Object.keys(table));
/** Good parts are frequent: what is harmful has to get past the parts before it. */
const orGood = (dice, share, good, choose) => (dice.number() < share ? good : choose());

function makeAnswer(dice, { path }, number) {
  if (dice.number() < 0.02) return { bytes: dice.bytes(dice.below(300)), after: dice.pick(['close', 'reset']) };
  if (dice.number() < 0.03) return { bytes: Buffer.alloc(0), after: dice.pick(['silence', 'close', 'reset']) };
  const key = path.replace(/^\/v2\/keys/, '');
  const many = dice.number() < 0.002;
  const kind = orGood(dice, 0.3, 'good', () => pickName(dice, BODIES));
  const utf8 = many ? `[${'{},'.repeat(VALUES_BEYOND_BOUNDS)}{}]` : BODIES[kind](dice, goodBody(dice, key, number));
  const text = kind === 'flipped' ? utf8 : Buffer.from(utf8).toString('latin1');
  const [lines, body, whole] = FRAMINGS[orGood(dice, 0.5, 'length', () => pickName(dice, FRAMINGS))](dice, text);
  const status = orGood(dice, 0.6, STATUS[0], () => dice.pick(STATUS));
  const extra = orGood(dice, 0.6, [], () => dice.sample(HEADERS, 1 + dice.below(3)));
  const head = [`HTTP/1.1 ${status}`, `X-Etcd-Index: ${1000 + number}`, 'X-Etcd-Cluster-Id: c', ...lines, ...extra];
  const bytes = Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`, 'latin1');
  const isKept = whole && lines[0] !== 'Connection: close' && dice.number() < 0.7;
  return { bytes, sent: whole ? Buffer.from(text, 'latin1').toString() : undefined, after: isKept ? 'keep' : 'close' };
}

module.exports = { makeAnswer };
