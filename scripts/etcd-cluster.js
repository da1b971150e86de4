'use strict';

// A throw-away cluster: members of startEtcd's kind, each of which can be killed, started again, paused and resumed.

const http = require('node:http');
const https = require('node:https');
const { setTimeout: sleep } = require('node:timers/promises');
const { EtcdServer } = require('./etcd-server');
const { freePort } = require('./ports');

const LEADER_WITHIN = 30_000;

/** { id, leader } of the answer to a request for the status: who answers, and whom it calls the leader. */
function statusIn(body) {
  try {
    const { header, leader } = JSON.parse(body);
    return { id: header.member_id, leader };
  } catch {
    return undefined; // a member that is being killed sends a part
  }
}

/** What a member says about itself, or undefined if it does not within a second. Every etcd has v3's JSON gateway. */
const statusOf = (url) =>
  new Promise((resolve) => {
    const { request } = url.startsWith('https:') ? https : http;
    const options = { method: 'POST', agent: false, timeout: 1000, rejectUnauthorized: false };
    const asked = request(`${url}/v3/maintenance/status`, options, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text) => {
        body += text;
      });
      response.on('end', () => resolve(statusIn(body)));
      response.on('error', () => resolve(undefined));
    });
    asked.on('timeout', () => asked.destroy());
    asked.on('error', () => resolve(undefined));
    asked.end('{}');
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
      const statuses = await Promise.all(this.members.map(({ url, pid }) => (pid ? statusOf(url) : undefined)));
      const followersOf = ({ id }) => statuses.filter((status) => status?.leader === id).length;
      const leads = (status) => status.leader === status.id && followersOf(status) > this.members.length / 2;
      const leading = statuses.findIndex((status) => status && leads(status));
      if (leading >= 0) return this.members[leading];
      await sleep(50);
    }
    throw new Error(`The cluster had no leader for ${LEADER_WITHIN} ms`);
  }

  /** Makes a member the leader. */
  async lead(member) {
    const { id: targetID } = await statusOf(member.url);
    const body = JSON.stringify({ targetID });
    for (let leader = await this.leader(); leader !== member; leader = await this.leader()) {
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
