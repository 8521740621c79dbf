import mime from 'mime-types';
export const main = () => [mime.lookup('a.json'), mime.contentType('html'), mime.extension('image/png')];
