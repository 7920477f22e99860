/* Copy dynamics of M levels in the form of ψ, as jqd.CopyDynamics has it; ħ = 1. */
"use strict";
window.jqdCopying = (function () {
  const EPS = 1e-12; // the law's regulator

  /* dψ/dt and, if wanted, its derivatives with respect to (q, r).
     psi = [re_0, im_0, re_1, ..], after it ∂ψ/∂q and ∂ψ/∂r of the same length where
     `slopes`; H = {re, im}, arrays of rows, ω on the diagonal. */
  function field(psi, H, q, r, out, slopes) {
    const M = H.re.length, n = 2 * M, sets = slopes ? 2 : 0;
    const density = new Array(M), level = new Array(M), rise = [new Array(M), new Array(M)];
    for (let a = 0; a < M; a++) {
      density[a] = psi[2 * a] ** 2 + psi[2 * a + 1] ** 2;
      level[a] = Math.log(density[a] + EPS);
      for (let s = 0; s < sets; s++) { // ∂ρ_a
        const at = n * (s + 1) + 2 * a;
        rise[s][a] = 2 * (psi[2 * a] * psi[at] + psi[2 * a + 1] * psi[at + 1]);
      }
    }
    for (let a = 0; a < M; a++) {
      const x = psi[2 * a], y = psi[2 * a + 1], d = density[a] + EPS;
      const ur = (x * x - y * y) / d, ui = 2 * x * y / d; // ψ_a²/(ρ_a + ε)
      let re = H.re[a][a] * x, im = H.re[a][a] * y;
      const dre = [0, 0], dim = [0, 0];
      for (let s = 0; s < sets; s++) {
        const at = n * (s + 1) + 2 * a;
        dre[s] = H.re[a][a] * psi[at];
        dim[s] = H.re[a][a] * psi[at + 1];
      }
      for (let b = 0; b < M; b++) {
        if (b === a) continue;
        const hr = H.re[a][b], hi = H.im[a][b], px = psi[2 * b], py = psi[2 * b + 1];
        const Br = hr * px - hi * py, Bi = hr * py + hi * px;
        const L = level[a] - level[b];
        const kr = Math.exp((r + 0.5) * L);
        const sign = x * Bi - y * Br >= 0 ? 1 : -1; // whether a gains from b
        const kq = Math.exp(sign * (q - 0.5) * L);
        const plus = (kr + kq) / 2, minus = (kr - kq) / 2;
        const cr = Br * ur + Bi * ui, ci = Br * ui - Bi * ur; // conj(B) u
        re += plus * Br + minus * cr;
        im += plus * Bi + minus * ci;
        for (let s = 0; s < sets; s++) {
          const ta = n * (s + 1) + 2 * a, tb = n * (s + 1) + 2 * b;
          const dL = rise[s][a] / d - rise[s][b] / (density[b] + EPS);
          const dkr = kr * ((r + 0.5) * dL + (s === 1 ? L : 0));
          const dkq = kq * sign * ((q - 0.5) * dL + (s === 0 ? L : 0));
          const dp = (dkr + dkq) / 2, dm = (dkr - dkq) / 2;
          const dBr = hr * psi[tb] - hi * psi[tb + 1], dBi = hr * psi[tb + 1] + hi * psi[tb];
          const dur = 2 * (x * psi[ta] - y * psi[ta + 1]) / d - ur * rise[s][a] / d;
          const dui = 2 * (x * psi[ta + 1] + y * psi[ta]) / d - ui * rise[s][a] / d;
          const dcr = dBr * ur + Br * dur + dBi * ui + Bi * dui;
          const dci = dBr * ui + Br * dui - dBi * ur - Bi * dur;
          dre[s] += dp * Br + plus * dBr + dm * cr + minus * dcr;
          dim[s] += dp * Bi + plus * dBi + dm * ci + minus * dci;
        }
      }
      out[2 * a] = im; // -i (re + i im)
      out[2 * a + 1] = -re;
      for (let s = 0; s < sets; s++) {
        out[n * (s + 1) + 2 * a] = dim[s];
        out[n * (s + 1) + 2 * a + 1] = -dre[s];
      }
    }
    return out;
  }

  /* Which classes the law empties from here: jqd's `node_ahead`. */
  function nodeAhead(psi, H, q, r) {
    const M = H.re.length, s = q + r, marked = [];
    for (let a = 0; a < M; a++) {
      const x = psi[2 * a], y = psi[2 * a + 1], rho = x * x + y * y;
      let fr = 0, fi = 0;
      for (let b = 0; b < M; b++) {
        if (b === a) continue;
        fr += H.re[a][b] * psi[2 * b] - H.im[a][b] * psi[2 * b + 1];
        fi += H.re[a][b] * psi[2 * b + 1] + H.im[a][b] * psi[2 * b];
      }
      const overlap = x * fr + y * fi, loses = x * fi - y * fr < 0;
      const size = Math.sqrt(rho * (fr * fr + fi * fi)) + EPS;
      const cosine = Math.min(Math.max(Math.abs(overlap) / size, 2.2e-308), 1);
      const level = Math.log(rho + EPS);
      const reached = s > 0 && Math.exp(s * level) + 2 * s * Math.log(cosine) <= 0 && loses;
      const outgrown = q > 0.5 && (1 - 2 * q) * level > Math.log(10);
      marked.push(reached || outgrown);
    }
    return marked;
  }

  function alarm(before, after, H, q, r) {
    const ahead = nodeAhead(before, H, q, r);
    return ahead.some((marked, a) => {
      const p = after[2 * a] ** 2 + after[2 * a + 1] ** 2;
      const passed = before[2 * a] * after[2 * a] + before[2 * a + 1] * after[2 * a + 1] < 0;
      return marked && (passed || p <= 100 * EPS);
    });
  }

  /* Runge and Kutta's steps of order 4, as jqd's Fixed(rk4, substeps): rows of
     populations at `saves` equal times from 0 to T, with their slopes [∂q, ∂r] if
     wanted, and the time of a node or null. Rows from there on are null. */
  function evolve(H, psi0, q, r, T, saves, substeps, slopes = false) {
    const n = psi0.length, size = slopes ? 3 * n : n, interval = T / (saves - 1);
    const h = interval / substeps, y = new Float64Array(size), z = new Float64Array(size);
    const k = [0, 1, 2, 3].map(() => new Float64Array(size));
    y.set(psi0);
    const stage = (from, c) => { for (let i = 0; i < size; i++) z[i] = y[i] + c * from[i]; return z; };
    const rows = [], derivatives = [];
    let node = null;
    for (let s = 0; s < saves; s++) {
      for (let j = 0; s && j < substeps && node === null; j++) {
        field(y, H, q, r, k[0], slopes);
        field(stage(k[0], h / 2), H, q, r, k[1], slopes);
        field(stage(k[1], h / 2), H, q, r, k[2], slopes);
        field(stage(k[2], h), H, q, r, k[3], slopes);
        for (let i = 0; i < size; i++) z[i] = y[i] + h / 6 * (k[0][i] + 2 * k[1][i] + 2 * k[2][i] + k[3][i]);
        if (alarm(y, z, H, q, r)) node = (s - 1) * interval + j * h + h;
        else y.set(z);
      }
      if (node !== null) { rows.push(null); derivatives.push(null); continue; }
      rows.push(Array.from({ length: n / 2 }, (_, a) => y[2 * a] ** 2 + y[2 * a + 1] ** 2));
      if (slopes) derivatives.push([1, 2].map((set) => Array.from({ length: n / 2 },
        (_, a) => 2 * (y[2 * a] * y[set * n + 2 * a] + y[2 * a + 1] * y[set * n + 2 * a + 1]))));
    }
    return { rows, derivatives, node };
  }

  /* Total variation of two rows of populations. */
  const distance = (p, o) => p.reduce((sum, v, a) => sum + Math.abs(v - o[a]), 0) / 2;

  const H = {
    re: [[0, 0.7, 0.5], [0.7, 0.4, 0.6], [0.5, 0.6, -0.3]],
    im: [[0, 0, 0], [0, 0, 0], [0, 0, 0]],
  };
  const psi0 = [Math.sqrt(0.5), 0, Math.sqrt(0.3), 0, Math.sqrt(0.2), 0];
  return { evolve, distance, H, psi0 };
})();

if (typeof document !== "undefined" && window.jqdExplorer) (function () {
  const { evolve, distance, H, psi0 } = window.jqdCopying, T = 10, saves = 201;
  const ts = Array.from({ length: saves }, (_, i) => T * i / (saves - 1));
  const exact = evolve(H, psi0, 0.5, -0.5, T, saves, 16).rows;
  const colours = window.jqdExplorer.COLOURS, series = [];
  for (let a = 0; a < 3; a++) series.push({ label: `law, level ${a}`, stroke: colours[a], width: 2, mark: String(a) });
  for (let a = 0; a < 3; a++) series.push({ label: `quantum mechanics, ${a}`, stroke: colours[a], dash: [5, 5] });
  const column = (rows, a) => rows.map((p) => p && p[a]);
  window.jqdExplorer.start("copying-explorer", ({ q, r }, box) => {
    const { rows, node } = evolve(H, psi0, q, r, T, saves, 16);
    const worst = Math.max(...rows.map((p, i) => (p ? distance(p, exact[i]) : 0)));
    window.jqdExplorer.lines(box.querySelector(".plot"),
      [ts, ...[0, 1, 2].map((a) => column(rows, a)), ...[0, 1, 2].map((a) => column(exact, a))],
      { series, xlabel: "t", ylabel: "population", range: [0, 1] });
    box.classList.toggle("alarm", node !== null);
    box.querySelector("output").textContent =
      `q = ${q.toFixed(2)}, r = ${r.toFixed(2)}, q + r = ${(q + r).toFixed(2)}: ` +
      (node === null ? "no node until t = 10" : `NODE at t = ${node.toFixed(2)}, where the law ends`) +
      `; largest distance from quantum mechanics ${worst.toFixed(4)}.`;
  });
})();
