/* A design surface: what two looks at three levels tell of q and r of the copy law, with a
   readout that errs by ε and is calibrated. F = Σ_t N_t Σ_b ∂_i P_b ∂_j P_b / P_b + priors,
   P = (1 - ε) p + ε/M, as jqd.fisher has it of jqd's Confusion and Multinomial. */
"use strict";
window.jqdDesign = (function () {
  /* Information of one shot about (q, r, ε) at each time: symmetric 3 x 3, by rows. */
  function looks(run, epsilon) {
    return run.rows.map((p, i) => {
      const F = new Float64Array(9);
      if (!p) return F;
      const [dq, dr] = run.derivatives[i], mean = (v) => v.reduce((s, x) => s + x, 0) / v.length;
      const all = mean(p), allq = mean(dq), allr = mean(dr); // 1/M, 0 and 0 but for the steps
      for (let b = 0; b < p.length; b++) {
        const P = (1 - epsilon) * p[b] + epsilon * all;
        const slope = [(1 - epsilon) * dq[b] + epsilon * allq, (1 - epsilon) * dr[b] + epsilon * allr, all - p[b]];
        for (let j = 0; j < 3; j++) for (let k = 0; k < 3; k++) F[3 * j + k] += slope[j] * slope[k] / P;
      }
      return F;
    });
  }

  /* Standard errors of (q, r, ε) by Cramér and Rao; infinite where F tells nothing. */
  function errors(F) {
    const [a, b, c, , e, f, , , i] = F;
    const A = e * i - f * f, B = c * f - b * i, C = b * f - c * e, det = a * A + b * B + c * C;
    // Entries of very different size: what counts is det beside the diagonal.
    if (!(det > 1e-13 * a * e * i)) return [Infinity, Infinity, Infinity];
    return [Math.sqrt(A / det), Math.sqrt((a * i - c * c) / det), Math.sqrt((a * e - b * b) / det)];
  }

  /* Errors of half of the shots at each of two times, with a prior of width sd of ε. */
  function pair(one, other, shots, sd) {
    const F = one.map((v, i) => shots / 2 * (v + other[i]));
    F[8] += 1 / (sd * sd);
    return errors(F);
  }
  return { looks, errors, pair };
})();

if (typeof document !== "undefined" && window.jqdExplorer) (function () {
  const { evolve, H, psi0 } = window.jqdCopying, T = 6, saves = 61, EPSILON = 0.01;
  const { looks, pair } = window.jqdDesign, time = (i) => T * i / (saves - 1);
  window.jqdExplorer.start("design-explorer", ({ q, r, shots, sd, t1, t2, wanted }, box) => {
    const run = evolve(H, psi0, q, r, T, saves, 8, true), number = 10 ** shots;
    const found = looks(run, EPSILON), index = wanted === "q" ? 0 : 1;
    const error = (i, j) => pair(found[i], found[j], number, sd)[index];
    let best = [Infinity, 0, 0], low = Infinity;
    const surface = Array.from({ length: saves * saves }, () => Infinity);
    for (let i = 0; i < saves; i++) for (let j = i; j < saves; j++) {
      const value = error(i, j);
      surface[j * saves + i] = surface[i * saves + j] = value;
      if (value < best[0]) best = [value, time(i), time(j)];
    }
    low = Math.log10(best[0]);
    window.jqdExplorer.map(box.querySelector("canvas"), {
      nx: saves, ny: saves, x: [0, T], y: [0, T], xlabel: "first look", ylabel: "second look",
      // dark where little is left open; two decades
      paint: (i, j) => {
        const value = surface[j * saves + i];
        const v = value < Infinity ? 1 - Math.min(1, (Math.log10(value) - low) / 2) : 0;
        return value < Infinity ? window.jqdExplorer.shade([0, 60, 100], 0.05 + 0.95 * v) : [255, 255, 255];
      },
      marks: [[best[1], best[2], "ring"], [t1, t2, "cross"]],
    });
    const here = error(Math.round(t1 / T * (saves - 1)), Math.round(t2 / T * (saves - 1)));
    const told = (v) => (v < Infinity ? v.toPrecision(2) : "infinite");
    box.classList.toggle("alarm", run.node !== null);
    box.querySelector("output").textContent =
      `${number.toPrecision(2)} shots at (q, r) = (${q.toFixed(2)}, ${r.toFixed(2)}): looks at t = ${t1.toFixed(1)} and ` +
      `${t2.toFixed(1)} leave an error of ${wanted} of ${told(here)}; the best pair, ${best[1].toFixed(1)} and ` +
      `${best[2].toFixed(1)}, ${told(best[0])}.` +
      (run.node === null ? "" : ` NODE at t = ${run.node.toFixed(2)}: later looks see nothing.`);
  });
})();
