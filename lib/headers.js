'use strict';

/** Names that Node keeps the first line of; of all other repeated names it joins the lines. */
const SINGLE = new Set([
  'age',
  'authorization',
  'content-length',
  'content-type',
  'etag',
  'expires',
  'from',
  'host',
  'if-modified-since',
  'if-unmodified-since',
  'last-modified',
  'location',
  'max-forwards',
  'proxy-authorization',
  'referer',
  'retry-after',
  'server',
  'user-agent',
]);

/** The headers object that Node makes, from lines of name, value, name, value … */
function parseHeaders(lines) {
  const headers = {};
  for (let start = 0; start < lines.length; ) {
    const middle = lines.indexOf('\n', start);
    const end = lines.indexOf('\n', middle + 1);
    add(headers, lines.slice(start, middle), lines.slice(middle + 1, end < 0 ? lines.length : end));
    start = end < 0 ? lines.length : end + 1;
  }
  return headers;
}

function add(headers, name, value) {
  const before = Object.hasOwn(headers, name) ? headers[name] : undefined;
  if (name === 'set-cookie') {
    if (before === undefined) headers[name] = [value];
    else before.push(value);
  } else if (before === undefined) {
    define(headers, name, value);
  } else if (!SINGLE.has(name)) {
    headers[name] = before + (name === 'cookie' ? '; ' : ', ') + value;
  }
}

/** A header may be named `__proto__`, which assigning would not add. */
function define(headers, name, value) {
  if (name !== '__proto__') headers[name] = value;
  else Object.defineProperty(headers, name, { value, enumerable: true, configurable: true, writable: true });
}

module.exports = { parseHeaders };
