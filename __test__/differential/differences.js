'use strict';

// Every difference to node-etcd that a user can notice: the rows of the README's table (scripts/differences.js writes
// it), and the ids which the cases of this folder name.

const row = (id, about, theirs, here) => ({ id, about, 'node-etcd': theirs, here });

module.exports = [
  row(
    'key-characters',
    'special characters in keys',
    "hardly escaped: `get('ü')` does not find what `set('ü', 1)` stored, `?` and `#` cut the key, `\\` becomes `/`",
    'percent-encoded UTF-8; `%XX` is passed through, any other `%` is encoded',
  ),
  row(
    'key-slashes',
    '`a//b` as a key',
    'redirected, and a write becomes a read',
    'repeated slashes are one, and one at the end is none',
  ),
  row(
    'key-dots',
    '`.` and `..` segments',
    'lead to other keys or endpoints of the server',
    'error `ERR_INVALID_KEY`, nothing is sent',
  ),
  row(
    'raw-paths',
    'the path of `raw`',
    'a slash at its start is sent twice, `..` is sent, characters beyond ASCII are latin-1 or an error',
    'a slash at its start makes no difference, `..` is resolved, characters beyond ASCII are percent-encoded UTF-8',
  ),
  row(
    'redirects',
    'redirects',
    '301, 302 and 308 turn a write into a read',
    'writes keep method and body; 303 becomes a GET',
  ),
  row(
    'redirect-credentials',
    'credentials in redirects',
    "can follow to any host, as cookies do; a password in the new location is used; `Referer` carries the URL's password",
    'only sent to the same host name or a configured host; a password in the new location is not used; no `Referer`',
  ),
  row(
    'not-etcd',
    "an answer that is not etcd's (v2 API off, a proxy's page, cut JSON)",
    'success, with the text as body',
    'an error with `httpstatus` and `httpbody` for requests on keys; an empty 2xx answer is still a success',
  ),
  row('value-objects', 'objects and arrays as values', "stored as `''`", 'TypeError'),
  row(
    'value-types',
    'bigints and Uint8Arrays',
    "as values stored as `''`, bigints as options left out",
    'sent as text',
  ),
  row(
    'surrogates',
    'lone surrogates in keys, values and options',
    'sent as other characters, or an error',
    'TypeError',
  ),
  row(
    'options-changed',
    'your options object',
    'is changed; two watchers that share one disturb each other; if it is frozen `dir`, `prevValue` and `wait` get lost',
    'never changed',
  ),
  row(
    'watch-timeout',
    '`timeout` of the client',
    'also ends a watch that sees no event',
    'on a watch bounds connecting and the response headers',
  ),
  row('call-timeout', '`timeout` of a call', 'sent to etcd as a query parameter', 'works'),
  row('client-max-retries', '`maxRetries` of the client', 'no effect', 'the default for every request'),
  row('unknown-options', 'unknown options of the client', 'handed on to `request`', 'an error that names them'),
  row(
    'bad-arguments',
    'arguments of a wrong type',
    'an error about something inside, a failure of each request, an odd request, or nothing at all',
    'a TypeError at once that names the argument',
  ),
  row(
    'information-options',
    'options of `version`, `selfStats`, `leaderStats`, `leader` and `machines`',
    'cannot be given',
    'as with every other method',
  ),
  row(
    'send-immediately',
    '`auth.sendImmediately: false`',
    'credentials are sent once the server has asked for them, as etcd never does',
    'TypeError',
  ),
  row('header-names', 'names in `headers`', 'sent as they are', 'sent in lower case'),
  row(
    'header-values',
    'characters beyond ASCII in `headers`',
    'latin-1 without a body, UTF-8 with one; an error beyond latin-1',
    'UTF-8',
  ),
  row(
    'connections',
    'connections',
    'a new one for each request in a sequence; at most 100 at once, which watches can use up',
    'kept alive and reused; no limit',
  ),
  row('hosts', 'hosts such as `::1` and `httpd:2379`', 'do not work', 'work'),
  row(
    'bad-hosts',
    'hosts that cannot be parsed, or have a query or fragment',
    'fail at each request',
    'a TypeError from the constructor',
  ),
  row(
    'password-shown',
    'the password in a host',
    'is part of `token.servers` and of `server` in `err.errors`',
    'is not',
  ),
  row(
    'error-words',
    'answers that are not HTTP, redirects that lead nowhere',
    "Node's `HPE_…` codes, and words of `request`",
    'the code `HPE_INVALID_CONSTANT`, and own words',
  ),
  row(
    'request-objects',
    '`token.req`, and `response` in `err.errors`',
    'objects of `request`',
    '`token.req` is not there; `response` has `statusCode`, `headers` and `body`',
  ),
  row(
    'sync-blocks',
    'Sync methods',
    "run the event loop meanwhile; nested calls can get each other's answers",
    'block the thread',
  ),
  row('sync-refused', 'a Sync call to a closed port', 'reports `ECONNRESET`', 'reports `ECONNREFUSED`'),
  row('sync-no-hosts', 'a Sync call of a client with an empty list of hosts', 'returns a timer', 'returns `{ err }`'),
  row(
    'abort-wait',
    'aborting while waiting to retry',
    'the process stays alive up to 25 s',
    'the process can end at once',
  ),
  row(
    'watcher-stop',
    'watcher: `stop()` in a listener or during a pause',
    'opens one more request; in a `change` listener, the event of the action still comes',
    'does not; no event but `stop` comes',
  ),
  row('watcher-throw', 'watcher: a listener that throws', 'ends the watcher', 'does not'),
  row('watcher-pause', 'watcher: pause after failures', 'doubles without limit', 'at most 30 s'),
  row(
    'watcher-error',
    'watcher: `error` without a listener',
    'ends the process',
    'a process warning; the watcher goes on',
  ),
];
