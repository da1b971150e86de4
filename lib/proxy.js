'use strict';

const { invalidType, invalidValue } = require('./errors');

/**
 * A function that gives the proxies of a request, for http and for https, and the names to reach directly, or null for
 * none: the environment as it is then, as `request` read it (semantics.md 2.7), unless the option says otherwise. Every
 * variable costs a call of the system's library, so those for https are read for clients with https hosts alone.
 */
function proxiesOf(option, hasSecureHost) {
  return option === undefined ? () => environmentProxies(hasSecureHost) : () => option;
}

function environmentProxies(hasSecureHost) {
  const { env } = process;
  const http = httpProxy(env);
  const https = hasSecureHost ? env.HTTPS_PROXY || env.https_proxy || http : '';
  if (http === '' && https === '') return null;
  return [http, https, env.NO_PROXY || env.no_proxy || ''];
}

/** Of a CGI program, HTTP_PROXY is a header of the request that it answers: whoever sent that would choose the proxy. */
function httpProxy(env) {
  const upper = env.HTTP_PROXY || '';
  if (upper === '' || !env.REQUEST_METHOD) return upper || env.http_proxy || '';
  // Windows knows no case.
  return process.platform === 'win32' ? '' : env.http_proxy || '';
}

/** The option `proxy`: a URL beats the environment, null and '' mean the direct way. */
function readProxy(value) {
  if (value === null || value === '' || value === false) return { proxies: null };
  if (typeof value !== 'string') throw invalidType('options.proxy', 'a string or null', value);
  // The value stays out of the message: it may hold a password.
  if (!isHttpUrl(value)) throw invalidValue('The option "proxy" must be like http://[user:password@]host:port');
  return { proxies: [value, value, ''] };
}

function isHttpUrl(text) {
  try {
    return ['http:', 'https:'].includes(new URL(text).protocol);
  } catch {
    return false;
  }
}

/** The option `tunnel`: https goes through CONNECT and http does not, which cannot be changed. */
function checkTunnel(tunnel, isSecure) {
  if (tunnel === undefined || tunnel === isSecure) return;
  throw invalidValue(`The option "tunnel" cannot be ${tunnel} for ${isSecure ? 'https' : 'http'} hosts`);
}

module.exports = { checkTunnel, proxiesOf, readProxy };
