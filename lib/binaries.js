'use strict';

// Where the binaries are, by platform, processor and C library: in a checkout beside this package, and installed in a
// package of its own each. Spelled out, as tools that trace what a program needs look for what `require` asks for.
// Syntax that old versions of Node can read, since they are told so by who uses this.

module.exports = {
  'darwin-arm64': {
    built: () => require('../node-etcd-native.darwin-arm64.node'),
    installed: () => require('@node-etcd-native/binding-darwin-arm64'),
  },
  'darwin-x64': {
    built: () => require('../node-etcd-native.darwin-x64.node'),
    installed: () => require('@node-etcd-native/binding-darwin-x64'),
  },
  'linux-arm64-gnu': {
    built: () => require('../node-etcd-native.linux-arm64-gnu.node'),
    installed: () => require('@node-etcd-native/binding-linux-arm64-gnu'),
  },
  'linux-arm64-musl': {
    built: () => require('../node-etcd-native.linux-arm64-musl.node'),
    installed: () => require('@node-etcd-native/binding-linux-arm64-musl'),
  },
  'linux-x64-gnu': {
    built: () => require('../node-etcd-native.linux-x64-gnu.node'),
    installed: () => require('@node-etcd-native/binding-linux-x64-gnu'),
  },
  'linux-x64-musl': {
    built: () => require('../node-etcd-native.linux-x64-musl.node'),
    installed: () => require('@node-etcd-native/binding-linux-x64-musl'),
  },
  'win32-arm64-msvc': {
    built: () => require('../node-etcd-native.win32-arm64-msvc.node'),
    installed: () => require('@node-etcd-native/binding-win32-arm64-msvc'),
  },
  'win32-x64-msvc': {
    built: () => require('../node-etcd-native.win32-x64-msvc.node'),
    installed: () => require('@node-etcd-native/binding-win32-x64-msvc'),
  },
};
