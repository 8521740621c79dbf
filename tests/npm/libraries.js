// Bundled to one classic script: the libraries become global variables, as a preload file has them.
import Ajv from 'ajv';
import CryptoJS from 'crypto-js';
import _ from 'lodash';

Object.assign(globalThis, {Ajv, CryptoJS, _});
