// Argon2id with the parameters of the service's default settings.
import { hash, verify } from "@node-rs/argon2";

const COSTS = { memoryCost: 19456, timeCost: 2, parallelism: 1 };

export const hashSecret = (secret) => hash(secret, COSTS);
export const verifySecret = (secret, stored) => verify(stored, secret, COSTS);
