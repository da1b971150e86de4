'use strict';

// etcd's v3 API by nothing but its JSON gateway: for what other clients of v3 do.

const encode = (text) => Buffer.from(text).toString('base64');
const decode = (text = '') => Buffer.from(text, 'base64').toString();

/** The range of everything. */
const ALL_KEYS = { key: encode('\0'), range_end: encode('\0') };

class RawV3 {
  #url;
  #headers;

  constructor(url, token) {
    this.#url = url;
    this.#headers = token === undefined ? {} : { authorization: token };
  }

  /** Resolves with the answer to a call such as `kv/range`; rejects with etcd's words. */
  async call(path, body = {}) {
    const reply = await fetch(`${this.#url}/v3/${path}`, {
      method: 'POST',
      headers: this.#headers,
      body: JSON.stringify(body),
    });
    const answer = await reply.json();
    if (!reply.ok) throw new Error(answer.message);
    return answer;
  }

  /** What the gateway says to a watch, until its reply ends; rejects with a TypeError, fetch's, if that breaks. */
  async *watch(create) {
    const reply = await fetch(`${this.#url}/v3/watch`, {
      method: 'POST',
      headers: this.#headers,
      body: JSON.stringify({ create_request: create }),
    });
    let rest = '';
    for await (const text of reply.body.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split('\n');
      rest = lines.pop();
      for (const line of lines) {
        const { result } = JSON.parse(line);
        if (!result) return;
        yield result;
      }
    }
  }

  put(key, value) {
    return this.call('kv/put', { key: encode(key), value: encode(value) });
  }

  delete(key, end) {
    return this.call('kv/deleterange', { key: encode(key), ...(end && { range_end: encode(end) }) });
  }

  /** Puts in one transaction, so that all of them are one revision. */
  putAll(entries) {
    const success = Object.entries(entries).map(([key, value]) => ({
      request_put: { key: encode(key), value: encode(value) },
    }));
    return this.call('kv/txn', { success });
  }

  /** All keys from one on, up to but without another: an object of values. */
  async list(key, end) {
    const { kvs = [] } = await this.call('kv/range', { key: encode(key), range_end: encode(end) });
    return Object.fromEntries(kvs.map((kv) => [decode(kv.key), decode(kv.value)]));
  }

  async revision() {
    return Number((await this.call('kv/range', { key: encode('none') })).header.revision);
  }
}

module.exports = { ALL_KEYS, RawV3, encode };
