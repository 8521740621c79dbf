// What each thread of piscina.mjs runs.
export {run as default} from './warm.mjs';
