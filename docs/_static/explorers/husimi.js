/* Husimi function of a Kerr oscillator, H = U/2 (|α|⁴ + b |α|²), from a coherent start, for
   any 0 < C < 2: the closed form of jqd.exact.husimi.kerr; ħ = 1. */
"use strict";
window.jqdHusimi = (function () {
  /* exp(-scale) I_k(z) of complex z for one k >= 0: Miller's recursion downwards,
     normalised by exp(z) = I_0 + 2 Σ I_j. Re z < 0 by I_k(-z) = (-1)^k I_k(z). */
  function bessel(zr, zi, k, scale) {
    const flip = zr < 0;
    if (flip) { zr = -zr; zi = -zi; }
    const z2 = zr * zr + zi * zi;
    if (z2 < 1e-24) return k ? [0, 0] : [Math.exp(-scale), 0];
    const start = Math.max(k, Math.ceil(Math.sqrt(z2))) + 20 + Math.ceil(2 * Math.sqrt(Math.sqrt(z2)) + k / 8);
    let ar = 0, ai = 0, br = 1e-100, bi = 0, sr = 0, si = 0, kr = 0, ki = 0;
    for (let j = start; j >= 0; j--) { // b = I_j, a = I_(j+1), in some unit
      if (j === k) { kr = br; ki = bi; }
      const w = j ? 2 : 1;
      sr += w * br;
      si += w * bi;
      if (!j) break;
      const tr = 2 * j * (zr * br + zi * bi) / z2 + ar, ti = 2 * j * (zr * bi - zi * br) / z2 + ai;
      ar = br; ai = bi; br = tr; bi = ti;
      if (Math.abs(br) + Math.abs(bi) > 1e100) { // a larger number would overflow when squared
        ar *= 1e-100; ai *= 1e-100; br *= 1e-100; bi *= 1e-100;
        sr *= 1e-100; si *= 1e-100; kr *= 1e-100; ki *= 1e-100;
      }
    }
    const e = Math.exp(zr - scale), er = e * Math.cos(zi), ei = e * Math.sin(zi), s2 = sr * sr + si * si;
    const fr = (er * sr + ei * si) / s2, fi = (ei * sr - er * si) / s2, sign = flip && k % 2 ? -1 : 1;
    return [sign * (kr * fr - ki * fi), sign * (kr * fi + ki * fr)];
  }

  /* Coefficients of e^(ik(φ - φ0)) at one radius: pairs, the term of -k being the
     conjugate of that of k. */
  function terms(radius, t, C, U, b, r0) {
    const n = Math.ceil(12 + 2.2 * r0 * radius + 6 * Math.sqrt(r0 * radius + 1)), found = [];
    for (let k = 0; k <= n; k++) {
      const th = U * k * C * t, c = Math.cos(th), s = Math.sin(th);
      const real = radius * radius * ((c - 1) / C - c) - r0 * r0;
      const [x, y] = bessel(2 * radius * r0 * Math.cos(th / 2), 2 * radius * r0 * Math.sin(th / 2), k, -real);
      const angle = U * k * (b / 2 + 1.5 * C) * t + radius * radius * (s / C - s);
      const w = (k ? 2 : 1) / Math.PI, ca = Math.cos(angle), sa = Math.sin(angle);
      found.push([w * (x * ca - y * sa), w * (x * sa + y * ca)]);
    }
    return found;
  }

  /* Q on circles: rows of `count` angles 2π i/count, a row a radius. */
  function polar(radii, count, t, C, U, b, alpha0) {
    const r0 = Math.hypot(...alpha0), phi0 = Math.atan2(alpha0[1], alpha0[0]);
    const cosine = new Float64Array(count), sine = new Float64Array(count);
    for (let i = 0; i < count; i++) {
      cosine[i] = Math.cos(2 * Math.PI * i / count - phi0);
      sine[i] = Math.sin(2 * Math.PI * i / count - phi0);
    }
    return Array.from(radii, (radius) => {
      const row = new Float64Array(count), list = terms(radius, t, C, U, b, r0);
      for (let i = 0; i < count; i++) { // Horner's scheme in e^(i(φ - φ0))
        let re = 0, im = 0;
        for (let k = list.length - 1; k >= 0; k--) {
          const x = re * cosine[i] - im * sine[i] + list[k][0];
          im = re * sine[i] + im * cosine[i] + list[k][1];
          re = x;
        }
        row[i] = re;
      }
      return row;
    });
  }

  return { polar, bessel };
})();

if (typeof document !== "undefined" && window.jqdExplorer) (function () {
  const HALF = 3.5, PIXELS = 160, RADII = 72, ANGLES = 160, MOST = HALF * Math.SQRT2;
  const radii = Array.from({ length: RADII }, (_, i) => MOST * i / (RADII - 1));
  // Where each pixel lies among the circles: four neighbours, with weights.
  const places = [];
  for (let j = 0; j < PIXELS; j++) for (let i = 0; i < PIXELS; i++) {
    const x = HALF * (2 * (i + 0.5) / PIXELS - 1), y = HALF * (2 * (j + 0.5) / PIXELS - 1);
    const r = Math.hypot(x, y) / MOST * (RADII - 1), m = Math.min(Math.floor(r), RADII - 2);
    const f = (Math.atan2(y, x) / (2 * Math.PI) + 1) % 1 * ANGLES, n = Math.floor(f) % ANGLES;
    places.push([m, n, (n + 1) % ANGLES, r - m, f - Math.floor(f)]);
  }
  window.jqdExplorer.start("husimi-explorer", ({ C, t }, box) => {
    const clock = performance.now();
    const rows = window.jqdHusimi.polar(radii, ANGLES, t * Math.PI, C, 1, -4, [2, 0]);
    let least = 0;
    for (const row of rows) for (const v of row) least = Math.min(least, v);
    window.jqdExplorer.map(box.querySelector("canvas"), {
      nx: PIXELS, ny: PIXELS, x: [-HALF, HALF], y: [-HALF, HALF], xlabel: "Re α", ylabel: "Im α",
      paint: (i, j) => {
        const [m, n, next, u, v] = places[j * PIXELS + i];
        const inner = rows[m][n] * (1 - v) + rows[m][next] * v;
        const outer = rows[m + 1][n] * (1 - v) + rows[m + 1][next] * v;
        const Q = inner * (1 - u) + outer * u;
        const size = Math.min(1, Math.abs(Q) * Math.PI) ** 0.6; // 1/π is the largest of a coherent state
        const hatched = Q * Math.PI < -0.002 && (i + j) % 8 < 2; // the sign without its colour
        return window.jqdExplorer.shade(Q >= 0 ? [0, 114, 178] : hatched ? [90, 40, 0] : [213, 94, 0], size);
      },
    });
    box.dataset.ms = performance.now() - clock;
    box.querySelector("output").textContent = `C = ${C.toFixed(2)}, Ut = ${t.toFixed(2)} π: ` +
      (C === 1 ? "quantum mechanics" : "not quantum mechanics") + "; " +
      (least < -1e-9 ? `negative in places, ${least.toExponential(1)} at the least: no Husimi function of a state.`
        : "nowhere negative.");
  });
})();
