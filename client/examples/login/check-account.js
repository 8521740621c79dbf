// May this account log in now? Its state, the lock-out after failed attempts, the tenant's hours,
// the age of the password. Adds `account` to the context; what comes after looks at account.allowed.

const MINUTE = 60 * 1000;
const DAY = 24 * 60 * MINUTE;

const DENIED_STATES = {
  disabled: 'The account is disabled. Please contact your administrator.',
  deleted: 'The user name or the password is wrong.', // tells nobody that it once existed
  pending: 'Please confirm your e-mail address first.',
};

function deny(code, message, details) {
  return { allowed: false, code, message, ...details };
}

// Failed attempts since the last success, newest first, within the policy's window.
function recentFailures(history, now, windowMinutes) {
  const failures = [];
  for (const login of [...history].sort((a, b) => b.at - a.at)) {
    if (login.success || login.at < now - windowMinutes * MINUTE) break;
    failures.push(login);
  }
  return failures;
}

// The first lock-out takes as long as the policy says, each further one twice as long as the one
// before, up to a day.
function lockOut(user, history, policy, now) {
  const failures = recentFailures(history, now, policy.windowMinutes);
  const times = Math.floor(failures.length / policy.threshold);
  if (times === 0) return { failures: failures.length, until: user.account.lockedUntil || null };
  const minutes = Math.min(policy.minutes * 2 ** (times - 1), 24 * 60);
  const until = failures[failures.length % policy.threshold].at + minutes * MINUTE;
  return { failures: failures.length, until: Math.max(until, user.account.lockedUntil || 0) };
}

// hours: {days: [1, …, 5], from: '07:30', to: '19:00', utcOffsetMinutes: 60}; to may be after midnight.
function withinHours(hours, now) {
  if (!hours) return true;
  const local = new Date(now + hours.utcOffsetMinutes * MINUTE);
  const minutesOf = (text) => {
    const [, hour, minute] = /^(\d{1,2}):(\d{2})$/.exec(text);
    return Number(hour) * 60 + Number(minute);
  };
  const minute = local.getUTCHours() * 60 + local.getUTCMinutes();
  const from = minutesOf(hours.from), to = minutesOf(hours.to);
  const overnight = from > to;
  const inside = overnight ? minute >= from || minute < to : minute >= from && minute < to;
  // After midnight an overnight window still belongs to the day on which it began.
  const day = overnight && minute < to ? (local.getUTCDay() + 6) % 7 : local.getUTCDay();
  return inside && hours.days.includes(day);
}

function passwordAge(account, policy, now) {
  if (!policy || !policy.maxAgeDays) return { expired: false, warnings: [] };
  const daysLeft = Math.ceil((account.passwordChangedAt + policy.maxAgeDays * DAY - now) / DAY);
  const warnings = [];
  if (daysLeft > 0 && daysLeft <= policy.warnDays)
    warnings.push(`Your password expires in ${daysLeft} ${daysLeft === 1 ? 'day' : 'days'}.`);
  return { expired: daysLeft <= 0, daysLeft, warnings };
}

function check({ now, user, tenant, history }) {
  const { account } = user;
  if (account.state in DENIED_STATES) return deny(account.state, DENIED_STATES[account.state]);
  if (account.state !== 'active')
    return deny('unknown_state', `The account is in the unknown state "${account.state}".`);
  if (tenant.state === 'suspended')
    return deny('tenant_suspended', `${tenant.name} is suspended. Please contact support.`);
  if (account.validFrom && now < account.validFrom)
    return deny('not_yet_valid', 'The account is not valid yet.');
  if (account.validUntil && now >= account.validUntil)
    return deny('expired', 'The account has expired.');

  const lock = lockOut(user, history, tenant.policy.lockOut, now);
  if (lock.until && now < lock.until)
    return deny('locked_out', 'Too many failed attempts. Please try again later.', {
      failures: lock.failures,
      lockedUntil: new Date(lock.until).toISOString(),
      retryAfterSeconds: Math.ceil((lock.until - now) / 1000),
    });

  const exempt = (user.roles || []).some((role) => tenant.policy.anyHour.includes(role));
  if (!exempt && !withinHours(tenant.policy.hours, now))
    return deny('outside_hours', `${tenant.name} can be used from ` +
      `${tenant.policy.hours.from} to ${tenant.policy.hours.to} only.`);

  const password = passwordAge(account, tenant.policy.password, now);
  return {
    allowed: true,
    code: 'ok',
    failures: lock.failures,
    mustChangePassword: password.expired || account.mustChangePassword === true,
    warnings: password.warnings,
  };
}

function onLogin(context) {
  return { ...context, account: check(context) };
}
