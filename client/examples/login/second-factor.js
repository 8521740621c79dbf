// Is a second factor needed, and which? A risk score from the network, the device, and what is usual
// for this user. The last of the three: returns what the login page needs to know.

const HOUR = 60 * 60 * 1000;
const DAY = 24 * HOUR;
const EARTH_RADIUS_KM = 6371;
const FASTEST_KM_PER_HOUR = 900; // an airliner

// IPv4 and IPv6 as a BigInt, so that both are compared in the same way.
function parseAddress(text) {
  if (!text.includes(':')) {
    const parts = text.split('.').map(Number);
    if (parts.length !== 4 || parts.some((part) => !(part >= 0 && part <= 255)))
      throw new RangeError(`not an IP address: ${text}`);
    return { bits: 32, value: parts.reduce((sum, part) => (sum << 8n) | BigInt(part), 0n) };
  }
  const [head, tail] = text.split('::').map((half) => (half ? half.split(':') : []));
  const groups = tail === undefined
    ? head
    : [...head, ...Array(8 - head.length - tail.length).fill('0'), ...tail];
  if (groups.length !== 8) throw new RangeError(`not an IP address: ${text}`);
  return { bits: 128, value: groups.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n) };
}

function inNetwork(address, network) {
  const [base, prefix] = network.split('/');
  const parsed = parseAddress(base);
  if (parsed.bits !== address.bits) return false;
  const shift = BigInt(parsed.bits - Number(prefix));
  return parsed.value >> shift === address.value >> shift;
}

function distanceKm(a, b) {
  const radians = (degrees) => (degrees * Math.PI) / 180;
  const dLat = radians(b.lat - a.lat), dLon = radians(b.lon - a.lon);
  const h = Math.sin(dLat / 2) ** 2 +
    Math.cos(radians(a.lat)) * Math.cos(radians(b.lat)) * Math.sin(dLon / 2) ** 2;
  return 2 * EARTH_RADIUS_KM * Math.asin(Math.sqrt(h));
}

function describeAgent(agent) {
  const browser = /(Firefox|Edg|Chrome|Safari)\/(\d+)/.exec(agent);
  const system = /(Windows NT|Mac OS X|Android|iPhone|Linux)/.exec(agent);
  return `${browser ? browser[1] : 'other'} on ${system ? system[1] : 'other'}`;
}

function assess({ now, request, user, history, tenant, claims }) {
  const reasons = [];
  const add = (points, reason) => reasons.push({ points, reason });
  const address = parseAddress(request.ip);
  const { networks } = tenant.policy;
  const trusted = networks.trusted.some((network) => inNetwork(address, network));
  if (networks.suspicious.some((network) => inNetwork(address, network))) add(40, 'network');

  const device = (user.devices || []).find(({ id }) => id === request.deviceId);
  if (!device) add(25, 'new_device');
  else if (now - device.lastSeenAt > 90 * DAY) add(10, 'device_not_seen_lately');
  else if (device.agent !== describeAgent(request.userAgent)) add(15, 'device_changed');

  const successes = history.filter((login) => login.success).sort((a, b) => b.at - a.at);
  const last = successes[0];
  if (!last) {
    add(20, 'first_login');
  } else {
    if (!successes.some((login) => login.country === request.country)) add(25, 'new_country');
    const km = distanceKm(last, request);
    const hours = Math.max((now - last.at) / HOUR, 1 / 60);
    if (km > 100 && km / hours > FASTEST_KM_PER_HOUR) add(50, 'impossible_travel');
    const usual = new Set(successes.map((login) => new Date(login.at).getUTCHours()));
    const hour = new Date(now).getUTCHours();
    const near = [hour, (hour + 1) % 24, (hour + 23) % 24].some((candidate) => usual.has(candidate));
    if (successes.length >= 10 && !near) add(10, 'unusual_hour');
  }
  const failures = history.filter((login) => !login.success && now - login.at < DAY).length;
  if (failures > 0) add(Math.min(failures * 5, 20), 'failed_attempts');
  if (claims.roles.some((role) => tenant.policy.secondFactor.sensitiveRoles.includes(role)))
    add(20, 'sensitive_role');
  const score = Math.min(reasons.reduce((sum, { points }) => sum + points, 0), 100);
  return { score, trusted, reasons: reasons.map(({ reason }) => reason) };
}

function decide(risk, user, policy, now) {
  if (risk.score >= policy.denyAt) return { action: 'deny', why: 'risk' };
  const remembered = user.rememberedUntil > now && risk.score < policy.ignoreRememberedAt;
  const needed = policy.always || risk.score >= (risk.trusted ? policy.trustedAt : policy.at);
  if (!needed || remembered) return { action: 'allow', why: needed ? 'remembered' : 'low_risk' };
  const allowed = risk.score >= policy.strongAt ? policy.strong : policy.methods;
  const methods = allowed.filter((method) => user.factors.some(({ type, state }) =>
    type === method && state === 'active'));
  if (methods.length === 0)
    return user.factors.length === 0
      ? { action: 'enroll', methods: allowed }
      : { action: 'deny', why: 'no_suitable_factor' };
  return { action: 'challenge', methods, preferred: methods[0] };
}

function onLogin(context) {
  const { now, user, tenant, account, claims } = context;
  if (!account.allowed) return { action: 'deny', why: account.code, account };
  const risk = assess(context);
  const decision = decide(risk, user, tenant.policy.secondFactor, now);
  const result = { ...decision, risk, account };
  // Claims leave this house only with a login that needs nothing more, or in the challenge's state.
  if (decision.action !== 'deny') result.claims = { ...claims, amr: ['pwd'], risk: risk.score };
  return result;
}
