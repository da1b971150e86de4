'use strict';

const { isUint8Array } = require('node:util').types;
const { checkBoolean } = require('./arguments');
const { invalidType, invalidValue } = require('./errors');

/** Readers of the options that Node's `tls` has (semantics.md 2.8); see options.js. */
const TLS_READERS = {
  ca: (value) => ({ ca: (Array.isArray(value) ? value : [value]).map((pem) => readPem('ca', pem)) }),
  cert: (value) => ({ cert: readPem('cert', value) }),
  key: (value) => ({ key: readPem('key', value) }),
  passphrase: (value) => ({ passphrase: readString('passphrase', value) }),
  pfx: (value) => ({ pfx: readArchive(value) }),
  rejectUnauthorized: (value) => ({ rejectUnauthorized: checkBoolean('options.rejectUnauthorized', value) }),
  strictSSL: (value) => ({ strictSSL: checkBoolean('options.strictSSL', value) }),
  servername: (value) => ({ servername: readString('servername', value) }),
};

function readPem(name, value) {
  if (typeof value === 'string') return Buffer.from(value);
  if (isUint8Array(value)) return Buffer.from(value);
  throw invalidType(`options.${name}`, 'PEM text in a string or Buffer', value);
}

function readArchive(value) {
  if (isUint8Array(value)) return Buffer.from(value);
  throw invalidType('options.pfx', 'a PKCS#12 archive in a Buffer', value);
}

function readString(name, value) {
  if (typeof value !== 'string') throw invalidType(`options.${name}`, 'a string', value);
  return value;
}

/** The key as the native side reads it: OpenSSL opens every encrypted format that Node's users have. */
function decryptKey(key, passphrase) {
  // Loaded only now, as it takes long.
  const { createPrivateKey } = require('node:crypto');
  try {
    return Buffer.from(createPrivateKey({ key, passphrase }).export({ type: 'pkcs8', format: 'pem' }));
  } catch (error) {
    throw invalidValue(`Invalid argument: options.key: cannot be opened with options.passphrase (${error.message})`);
  }
}

/** What the TLS options mean together and with the environment: `strictSSL` wins, as it did. */
function completeTls({ strictSSL, rejectUnauthorized, ...native }) {
  const { key, passphrase } = native;
  if (key !== undefined && passphrase !== undefined) native.key = decryptKey(key, passphrase);
  const verify = strictSSL ?? rejectUnauthorized ?? process.env.NODE_TLS_REJECT_UNAUTHORIZED !== '0';
  return { ...native, acceptAnyServer: !verify };
}

module.exports = { TLS_READERS, completeTls };
