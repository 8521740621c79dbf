// What the session's token says about the user: roles from nested groups, permissions, tenants,
// feature flags. Adds `claims` to the context, or leaves it alone if the account was denied.

const MAX_GROUP_DEPTH = 16;
const MAX_PERMISSIONS_IN_TOKEN = 40; // beyond it the token carries roles only

// All groups that the user is in, directly or through a parent; a cycle in the directory is not
// our problem here, so each group is visited once.
function effectiveGroups(direct, directory) {
  const found = new Map(); // name: depth
  const visit = (name, depth) => {
    const group = directory[name];
    if (!group || group.archived || depth > MAX_GROUP_DEPTH || found.has(name)) return;
    found.set(name, depth);
    for (const parent of group.parents || []) visit(parent, depth + 1);
  };
  for (const name of direct) visit(name, 0);
  return found;
}

function effectiveRoles(user, groups, directory, now) {
  const roles = new Set(user.roles);
  for (const name of groups.keys())
    for (const role of directory[name].roles || []) roles.add(role);
  for (const grant of user.temporaryRoles || [])
    if (grant.from <= now && now < grant.until) roles.add(grant.role);
  return roles;
}

// Permissions look like 'invoice:read', 'invoice:*' or, taking away, '!invoice:delete'.
function permissionsOf(roles, definitions) {
  const granted = new Set();
  const denied = new Set();
  const pending = [...roles];
  const seen = new Set();
  while (pending.length > 0) {
    const role = pending.pop();
    const definition = definitions[role];
    if (!definition || seen.has(role)) continue;
    seen.add(role);
    pending.push(...(definition.includes || []));
    for (const permission of definition.permissions)
      if (permission.startsWith('!')) denied.add(permission.slice(1));
      else granted.add(permission);
  }
  const covers = (pattern, permission) =>
    pattern === permission ||
    (pattern.endsWith(':*') && permission.startsWith(pattern.slice(0, -1)));
  const effective = [...granted].filter((permission) =>
    ![...denied].some((pattern) => covers(pattern, permission)));
  // 'invoice:read' says nothing beside 'invoice:*'.
  return effective
    .filter((permission) =>
      !effective.some((other) => other !== permission && covers(other, permission)))
    .sort();
}

// FNV-1a: spreads users evenly and always puts the same one into the same bucket.
function bucket(text) {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++)
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return hash % 100;
}

function enabledFlags(flags, user, roles) {
  const enabled = [];
  for (const [name, flag] of Object.entries(flags)) {
    const forRole = (flag.roles || []).some((role) => roles.has(role));
    const forUser = (flag.users || []).includes(user.id);
    const forShare = flag.percent !== undefined && bucket(`${name}/${user.id}`) < flag.percent;
    if (flag.enabled && (forRole || forUser || forShare)) enabled.push(name);
  }
  return enabled.sort();
}

function tenantsOf(user, tenant, roles) {
  const reachable = new Set([tenant.id]);
  for (const membership of user.tenants || [])
    if (membership.state === 'active') reachable.add(membership.id);
  if (roles.has('partner-admin')) for (const id of tenant.partners || []) reachable.add(id);
  return [...reachable].sort();
}

function onLogin(context) {
  if (!context.account.allowed) return context;
  const { now, user, tenant } = context;
  const groups = effectiveGroups(user.groups, tenant.groups);
  const roles = effectiveRoles(user, groups, tenant.groups, now);
  const permissions = permissionsOf(roles, tenant.roles);
  const claims = {
    sub: user.id,
    iss: `https://${tenant.domain}/`,
    name: [user.givenName, user.familyName].filter(Boolean).join(' '),
    email: user.email.trim().toLowerCase(),
    email_verified: Boolean(user.emailVerifiedAt && user.emailVerifiedAt <= now),
    locale: user.locale || tenant.locale || 'en',
    tenant: tenant.id,
    tenants: tenantsOf(user, tenant, roles),
    groups: [...groups].sort(([a, m], [b, n]) => m - n || (a < b ? -1 : 1)).map(([name]) => name),
    roles: [...roles].sort(),
    features: enabledFlags(tenant.features, user, roles),
    iat: Math.floor(now / 1000),
    exp: Math.floor(now / 1000) + 60 * (roles.has('admin') ? 30 : tenant.policy.sessionMinutes),
  };
  if (permissions.length <= MAX_PERMISSIONS_IN_TOKEN) claims.permissions = permissions;
  return { ...context, claims };
}
