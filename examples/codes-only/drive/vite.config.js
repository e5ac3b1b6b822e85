// The page calls the service at its own origin, VITE_OSTIARY, which lists this one in ALLOWED_ORIGINS.
export default { server: { port: 5174 } };
