//! A Viterbi decoder: the best path through a row of cells when what a cell may hold depends on what stood before it.

/// Less likely than anything that was ever seen.
pub(crate) const IMPOSSIBLE: f32 = -1.0e9;

/// The best path through some cells.
#[derive(Clone)]
pub(crate) struct Path {
    /// The sum of its cells' scores.
    pub(crate) score: f32,
    /// What it takes in each cell.
    pub(crate) characters: Vec<usize>,
    /// For each cell, the score of the best path that takes another character there.
    pub(crate) otherwise: Vec<f32>,
}

/// A step out of a state: what it takes in the cell, what that scores, and the state that follows.
pub(crate) struct Move {
    pub(crate) character: usize,
    pub(crate) score: f32,
    pub(crate) to: usize,
}

/// Finds the best path through `cells` cells from the state 0 to any of `states` states that `may_end`; `moves` shows every
/// move out of a state at a cell to its last argument. `None` if there is no path.
///
/// Two passes, as Viterbi and the backward half of forward-backward: the second knows for every move the best path
/// through it, and so what is best when the first choice of a cell is forbidden.
pub(crate) fn best_path(
    cells: usize,
    states: usize,
    may_end: impl Fn(usize) -> bool,
    moves: impl Fn(usize, usize, &mut dyn FnMut(Move)),
) -> Option<Path> {
    let mut before = vec![vec![IMPOSSIBLE; states]; cells + 1];
    before[0][0] = 0.0;
    let mut came = vec![vec![(0usize, 0usize); states]; cells];
    for cell in 0..cells {
        let (done, open) = before.split_at_mut(cell + 1);
        for from in (0..states).filter(|from| done[cell][*from] > IMPOSSIBLE / 2.0) {
            moves(cell, from, &mut |step| {
                let score = done[cell][from] + step.score;
                if score > open[0][step.to] {
                    open[0][step.to] = score;
                    came[cell][step.to] = (from, step.character);
                }
            });
        }
    }
    let ends = (0..states).filter(|state| may_end(*state) && before[cells][*state] > IMPOSSIBLE / 2.0);
    let last = ends.max_by(|a, b| before[cells][*a].total_cmp(&before[cells][*b]))?;
    let mut characters = vec![0; cells];
    let mut state = last;
    for cell in (0..cells).rev() {
        (state, characters[cell]) = came[cell][state];
    }
    let otherwise = otherwise(&before, &characters, may_end, moves);
    Some(Path {
        score: before[cells][last],
        characters,
        otherwise,
    })
}

fn otherwise(
    before: &[Vec<f32>],
    taken: &[usize],
    may_end: impl Fn(usize) -> bool,
    moves: impl Fn(usize, usize, &mut dyn FnMut(Move)),
) -> Vec<f32> {
    let states = before[0].len();
    let mut otherwise = vec![IMPOSSIBLE; taken.len()];
    let mut after: Vec<f32> = (0..states)
        .map(|state| if may_end(state) { 0.0 } else { IMPOSSIBLE })
        .collect();
    for cell in (0..taken.len()).rev() {
        let mut earlier = vec![IMPOSSIBLE; states];
        for from in (0..states).filter(|from| before[cell][*from] > IMPOSSIBLE / 2.0) {
            moves(cell, from, &mut |step| {
                let rest = step.score + after[step.to];
                earlier[from] = earlier[from].max(rest);
                if step.character != taken[cell] {
                    otherwise[cell] = otherwise[cell].max(before[cell][from] + rest);
                }
            });
        }
        after = earlier;
    }
    otherwise
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Ways of binary characters whose sum must be even, by trying all of them.
    fn by_trying(scores: &[[f32; 2]]) -> Vec<(f32, Vec<usize>)> {
        let paths = (0..1usize << scores.len()).map(|bits| {
            let taken: Vec<usize> = (0..scores.len()).map(|cell| bits >> cell & 1).collect();
            let score = taken.iter().zip(scores).map(|(taken, scores)| scores[*taken]).sum();
            (score, taken)
        });
        paths
            .filter(|(_, taken)| taken.iter().sum::<usize>() % 2 == 0)
            .collect()
    }

    fn best(paths: impl Iterator<Item = f32>) -> f32 {
        paths.fold(IMPOSSIBLE, f32::max)
    }

    proptest! {
        #[test]
        fn the_best_way_and_its_rivals_are_those_that_trying_all_finds(
            scores in prop::collection::vec((0.0f32..1.0, 0.0f32..1.0), 1..9),
        ) {
            let scores: Vec<[f32; 2]> = scores.into_iter().map(|(a, b)| [a, b]).collect();
            let path = best_path(scores.len(), 2, |state| state == 0, |cell, from, take| {
                for (character, score) in scores[cell].iter().enumerate() {
                    take(Move { character, score: *score, to: (from + character) % 2 });
                }
            }).expect("nothing but zeros is even");
            let all = by_trying(&scores);
            prop_assert!((path.score - best(all.iter().map(|(score, _)| *score))).abs() < 1e-4);
            for cell in 0..scores.len() {
                let rivals = all.iter().filter(|(_, taken)| taken[cell] != path.characters[cell]);
                let rival = best(rivals.map(|(score, _)| *score));
                let neither = path.otherwise[cell] < IMPOSSIBLE / 2.0 && rival < IMPOSSIBLE / 2.0;
                prop_assert!(neither || (path.otherwise[cell] - rival).abs() < 1e-4);
            }
        }
    }
}
