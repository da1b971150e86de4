'use strict';

const { after, before, beforeEach } = require('node:test');
const Etcd = require('../..');
const { startCluster, startEtcd } = require('../../scripts/etcd');
const { freePort } = require('../../scripts/ports');
const { chosenTransport } = require('./transports');

const transport = chosenTransport();
// Only now, as it begins a run of tests: a transport that nobody knows must be told before.
const { cleanUp } = require('./clean-up');

/** What `new Etcd` gets as hosts when what `withEtcd` starts is behind this `host:port`. */
const at = (address) => transport.hosts(address);

/** A client of some hosts, over the chosen transport. */
const connectTo = (hosts, options) => new Etcd(hosts, { ...transport.options, ...options });

/** An etcd of a file or of a `describe`: started before its first test, stopped after its last one. */
class TestEtcd {
  constructor(options) {
    before(async () => {
      this.server = await transport.start(options);
    });
    after(() => this.server?.stop());
  }

  /** For `new Etcd`, with the scheme that it needs. */
  get host() {
    return this.server && at(this.server.host);
  }

  /** What `new Etcd` needs beside the host. */
  get options() {
    return transport.options;
  }

  get url() {
    return this.server?.url;
  }

  get port() {
    return this.server?.port;
  }

  get pid() {
    return this.server?.pid;
  }

  get version() {
    return this.server?.version;
  }

  /** Of the member. */
  get name() {
    return this.server?.name;
  }

  /** Runs a file beside the test, where it reaches the same server: { code, stdout, stderr }. */
  runBeside(file, options) {
    return transport.runBeside(file, options);
  }

  /** Starts a file beside the test, for as long as that runs at most: { printed, ended, kill() … }. */
  startBeside(file, options) {
    const program = transport.startBeside(file, options);
    cleanUp(program.kill);
    return program;
  }

  /** A client of its own. */
  connect(options) {
    return connectTo(this.host, options);
  }
}

/** As a `TestEtcd` that has, for each test, a new client and a key that nobody else uses: `etcd` and `key`. */
class TestClient extends TestEtcd {
  constructor(name, options) {
    super(options);
    beforeEach(() => {
      this.etcd = this.connect();
      this.key = freshPrefix(name);
    });
  }
}

/** What is in it is there by the time a test runs: `const server = withEtcd(); test(…, () => server.connect())`. */
const withEtcd = (options) => new TestEtcd(options);

/** The start of most files: `const t = withClient('keys'); test(…, () => t.etcd.set(t.key, 'v'))`. */
const withClient = (name, options) => new TestClient(name, options);

/** A cluster of a file: started before its first test, stopped after its last one. */
class TestCluster {
  constructor(options) {
    before(async () => {
      this.cluster = await transport.cluster?.(options);
    });
    after(() => this.cluster?.stop());
  }

  get members() {
    return this.cluster.members;
  }

  /** What a read needs that must not be older than what was acknowledged before. */
  get current() {
    return transport.current;
  }

  /** The member that leads, as soon as one does that answers. */
  leader() {
    return this.cluster.leader();
  }

  /** The members, the leader first. */
  async leaderFirst() {
    const leader = await this.leader();
    return [leader, ...this.members.filter((member) => member !== leader)];
  }

  /** A client of all members, or of those that are named. */
  connect(options, members = this.members) {
    return connectTo(
      members.map(({ host }) => at(host)),
      options,
    );
  }
}

/** Three members of etcd: `const t = withCluster(); test(…, () => t.connect().set('a', 1))`. */
const withCluster = (options) => new TestCluster(options);

let prefixes = 0;

/** A key that nobody else uses, without a slash at either end: for a test's own keys below it. */
function freshPrefix(name = 'test') {
  prefixes += 1;
  return `${name}-${process.pid}-${prefixes}`;
}

module.exports = { at, connectTo, freePort, freshPrefix, startCluster, startEtcd, withClient, withCluster, withEtcd };
