import { unzip, zipSync, strToU8 } from 'fflate';
export const main = () => new Promise((resolve, reject) => unzip(zipSync({ 'a.txt': strToU8('x') }), (error, files) => (error ? reject(error) : resolve(Object.keys(files)))));
