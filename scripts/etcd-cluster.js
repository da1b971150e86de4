'use strict';

// A throw-away cluster: members of startEtcd's kind, each of which can be killed, started again, paused and resumed.

const http = require('node:http');
const https = require('node:https');
const { setTimeout: sleep } = require('node:timers/promises');
const { EtcdServer } = require('./etcd-server');
const { freePort } = require('./ports');

const LEADER_WITHIN = 30_000;

function parsed(body) {
  try {
    return JSON.parse(body);
  } catch {
    return undefined; // a member that is being killed sends a part
  }
}

/** What a member says about itself, or undefined if it does not within a second. */
const selfStats = (url) =>
  new Promise((resolve) => {
    const { get } = url.startsWith('https:') ? https : http;
    const options = { agent: false, timeout: 1000, rejectUnauthorized: false };
    const request = get(`${url}/v2/stats/self`, options, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text) => {
        body += text;
      });
      response.on('end', () => resolve(parsed(body)));
      response.on('error', () => resolve(undefined));
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(undefined));
  });

class EtcdCluster {
  constructor(members) {
    this.members = members;
  }

  get hosts() {
    return this.members.map(({ host }) => host);
  }

  get version() {
    return this.members[0].version;
  }

  async start() {
    for (const member of this.members) {
      member.wanted = { clientPort: await freePort(), peerPort: await freePort() };
      await member.choosePorts();
    }
    const peers = this.members.map(({ name, peerUrl }) => `${name}=${peerUrl}`).join();
    for (const member of this.members) member.peers = peers;
    // Together: none is ready before most are there.
    await Promise.all(this.members.map((member) => member.start()));
    return this;
  }

  /** The member that most members call their leader, as soon as there is one that answers itself. */
  async leader() {
    const deadline = Date.now() + LEADER_WITHIN;
    while (Date.now() < deadline) {
      const stats = await Promise.all(this.members.map(({ url, pid }) => (pid ? selfStats(url) : undefined)));
      const leading = stats.findIndex((self) => self?.state === 'StateLeader' && self.leaderInfo?.leader === self.id);
      const followers = stats.filter((self) => leading >= 0 && self?.leaderInfo?.leader === stats[leading].id);
      if (followers.length > this.members.length / 2) return this.members[leading];
      await sleep(50);
    }
    throw new Error(`The cluster had no leader for ${LEADER_WITHIN} ms`);
  }

  /** Makes a member the leader. */
  async lead(member) {
    const { id } = await selfStats(member.url);
    for (let leader = await this.leader(); leader !== member; leader = await this.leader()) {
      const body = JSON.stringify({ targetID: BigInt(`0x${id}`).toString() });
      const { ok, status } = await fetch(`${leader.url}/v3/maintenance/transfer-leadership`, { method: 'POST', body });
      if (!ok) throw new Error(`etcd did not move the leadership: status ${status}`);
    }
  }

  async stop() {
    // A leader that is asked to end would look for a successor first, among members that end as well.
    await Promise.all(this.members.map((member) => member.kill()));
    await Promise.all(this.members.map((member) => member.stop()));
  }
}

/**
 * Starts a cluster and resolves when all its members are healthy.
 * Options: members (their number, or a list of what is special to each), and those of startEtcd for all of them.
 */
async function startCluster({ members = 3, ...shared } = {}) {
  const each = Array.isArray(members) ? members : Array.from({ length: members }, () => ({}));
  const cluster = new EtcdCluster(each.map((own, i) => new EtcdServer({ ...shared, name: `m${i + 1}`, ...own })));
  try {
    return await cluster.start();
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

module.exports = { startCluster };
