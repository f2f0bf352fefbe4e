/** The product's own version; the etcd version that clients are told is the gateway's. */
export const PRODUCT_VERSION = "0.1.0";
