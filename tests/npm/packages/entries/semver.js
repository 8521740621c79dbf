import semver from 'semver';
export const main = () => [
  semver.satisfies('1.2.3', '^1.0.0 || >=3'),
  semver.sort(['2.0.0', '1.0.0-rc.1', '1.0.0']),
  semver.inc('1.2.3', 'minor'),
];
