'use strict';

// What is asked for, and what a canned server answers with.

const KEY = 'bench/key';
const VALUE = 'x'.repeat(100);
const LIST = 'bench/list';
const LIST_LENGTH = 10_000;

const node = (key, index) => ({ key: `/${key}`, value: VALUE.slice(0, 30), modifiedIndex: index, createdIndex: index });

/** The nodes of the list. */
const listNodes = () => Array.from({ length: LIST_LENGTH }, (_, i) => node(`${LIST}/${i}`, i + 10));

const get = JSON.stringify({ action: 'get', node: { ...node(KEY, 8), value: VALUE } });
const set = JSON.stringify({ action: 'set', node: { ...node(KEY, 9), value: VALUE }, prevNode: node(KEY, 8) });
const list = JSON.stringify({ action: 'get', node: { key: `/${LIST}`, dir: true, nodes: listNodes() } });

module.exports = { KEY, LIST, VALUE, get, list, listNodes, set };
