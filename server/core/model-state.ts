/** LOADING -> READY | UNAVAILABLE(reason); READY -> UNLOADING -> gone. A READY version stays so while it is reloaded. */
export type ModelState = 'LOADING' | 'READY' | 'UNLOADING' | 'UNAVAILABLE';
