import ejs from 'ejs';
export const main = () => ejs.render('<% for (const x of xs) { %>[<%= x %>]<% } %><%- raw %>', { xs: ['a', '<'], raw: '<b>' });
