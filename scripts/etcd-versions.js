'use strict';

// The versions of etcd that the project is tested with. No other file names one.

/** The newest patch of each minor version, which is what its name means here. */
const NEWEST = { 3.4: '3.4.45', 3.5: '3.5.34', 3.6: '3.6.15', 3.7: '3.7.2' };

/** Those with the v2 API: 3.6 has none any more. */
const WITH_V2 = ['3.4', '3.5'];

/** For Apple's processors there is no 3.4. */
const isApple = process.platform === 'darwin' && process.arch === 'arm64';

/** What the tests of v2 run on, and those of v2 kept on v3, unless another one is named. */
const DEFAULT_V2 = isApple ? '3.5' : '3.4';
const DEFAULT_V3 = '3.6';

/** The minor version of a version: `3.5` of 3.5.34. */
const minorOf = (version) => /^\d+\.\d+/.exec(version)[0];

module.exports = { DEFAULT_V2, DEFAULT_V3, NEWEST, WITH_V2, minorOf };
