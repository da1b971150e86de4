'use strict';

/** Makes a tree with everything that a store can hold. */
async function fill(etcd, key) {
  await etcd.set(`${key}/plain`, 'value');
  await etcd.set(`${key}/empty`, '');
  await etcd.set(`${key}/deep/er/and/deeper`, 'é\n"quoted" \u0000');
  await etcd.set(`${key}/odd name?#&=+%2541é`, 'odd');
  await etcd.set(`${key}/ends`, 'soon', { ttl: 500 });
  await etcd.mkdir(`${key}/nothing`);
  await etcd.mkdir(`${key}/session`, { ttl: 600 });
  await etcd.set(`${key}/session/x`, 'y', { ttl: 300 });
  await etcd.create(`${key}/queue`, 'first');
  await etcd.create(`${key}/queue`, 'second');
  await etcd.set(`${key}/_hidden/secret`, 's');
}

/** All values, directories and times to live of a tree, by name. */
async function contents(etcd, key) {
  const { node } = await etcd.get(key, { recursive: true, sorted: true });
  const list = (one) => [[one.key, one.value, one.ttl && Math.round(one.ttl / 10)], ...(one.nodes ?? []).flatMap(list)];
  return list(node);
}

module.exports = { contents, fill };
