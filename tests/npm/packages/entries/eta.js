import { Eta } from 'eta/core';
const e = new Eta();
export const main = () => e.renderString('<% it.xs.forEach(x => { %>[<%= x %>]<% }) %>', { xs: ['a', '<'] });
