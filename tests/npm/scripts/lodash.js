import _ from 'lodash';

export function run(users) {
  return _.mapValues(_.groupBy(users, 'role'), (group) => _.map(_.orderBy(group, ['age'], ['desc']), _.flow(_.property('name'), _.kebabCase)));
}
