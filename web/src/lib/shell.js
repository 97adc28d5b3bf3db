// The service worker: the client starts without a network, and says when there is a newer one.

const LOOK_MS = 30 * 60_000;

/**
 * Only where the browser has it: on HTTPS, and on this machine.
 * @param {(renew: () => void) => void} onNewer a newer client is ready; `renew` puts it on
 */
export async function keepShell(onNewer) {
  const { serviceWorker } = navigator;
  if (!serviceWorker || !import.meta.env.PROD) return;
  const registration = await serviceWorker.register("/sw.js");
  const look = () => {
    const { waiting } = registration;
    // The first one takes over by itself: there is nothing before it.
    if (waiting && serviceWorker.controller) onNewer(() => renew(waiting));
  };
  const renew = (/** @type {ServiceWorker} */ waiting) => {
    serviceWorker.addEventListener("controllerchange", () => location.reload(), { once: true });
    waiting.postMessage("take over");
  };
  look();
  registration.addEventListener("updatefound", () => registration.installing?.addEventListener("statechange", look));
  let looked = Date.now();
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState !== "visible" || Date.now() - looked < LOOK_MS) return;
    looked = Date.now();
    registration.update().catch(() => {});
  });
}
