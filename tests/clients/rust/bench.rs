// SPDX-License-Identifier: Apache-2.0
//! make bench-rust: the Rust client beside the C library, in turns, with a lethed of its own. Both call the same tiny function, from
//! one process: one request in flight (both connections), and many (that of tokio, in one thread).

mod harness;

use std::process::Command;
use std::time::Instant;

use lethe::{Connect, ScriptOptions};

const ROUNDS: usize = 9;
const SINGLE: usize = 5_000;
const MANY: usize = 40_000;
const IN_FLIGHT: usize = 64;

/// Requests per second, and the median of their times in microseconds.
#[derive(Clone, Copy)]
struct Figures {
    rate: f64,
    median: f64,
}

impl Figures {
    fn of(begin: Instant, mut times: Vec<f64>) -> Figures {
        Figures { rate: times.len() as f64 / begin.elapsed().as_secs_f64(), median: median(&mut times) }
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let daemon = harness::Daemon::new(&[]);
    let js = Connect::new().socket(&daemon.socket).open().unwrap();
    let options = ScriptOptions::new().warm_up("f", (1,)).unwrap();
    js.put_with("bench/tiny", "function f(x) { return x + 1; }", &options).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let aio = runtime.block_on(Connect::new().socket(&daemon.socket).open_aio()).unwrap();

    let c = |requests: usize, in_flight: usize| {
        let mut command = Command::new(harness::build().join("clients/bench"));
        let output = command.arg(&daemon.socket).args([requests.to_string(), in_flight.to_string()]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let mut numbers = text.split_whitespace().map(|number| number.parse().unwrap());
        Figures { rate: numbers.next().unwrap(), median: numbers.next().unwrap() }
    };
    let blocking = || {
        let begin = Instant::now();
        let times = (0..SINGLE).map(|_| {
            let before = Instant::now();
            assert_eq!(js.call::<_, u8>("bench/tiny", "f", (1,)).unwrap(), 2);
            before.elapsed().as_secs_f64() * 1e6
        });
        Figures::of(begin, times.collect())
    };
    let tokio = |requests: usize, in_flight: usize| {
        runtime.block_on(async {
            let begin = Instant::now();
            let tasks: Vec<_> = (0..in_flight)
                .map(|_| {
                    let js = aio.clone();
                    tokio::spawn(async move {
                        let mut times = Vec::with_capacity(requests / in_flight);
                        for _ in 0..requests / in_flight {
                            let before = Instant::now();
                            assert_eq!(js.call::<_, u8>("bench/tiny", "f", (1,)).await.unwrap(), 2);
                            times.push(before.elapsed().as_secs_f64() * 1e6);
                        }
                        times
                    })
                })
                .collect();
            let mut times = Vec::with_capacity(requests);
            for task in tasks {
                times.extend(task.await.unwrap());
            }
            Figures::of(begin, times)
        })
    };

    let single: Vec<_> = (0..ROUNDS).map(|_| [c(SINGLE, 1), blocking(), tokio(SINGLE, 1)]).collect();
    let many: Vec<_> = (0..ROUNDS).map(|_| [c(MANY, IN_FLIGHT), tokio(MANY, IN_FLIGHT)]).collect();
    let of = |figures: &mut dyn Iterator<Item = f64>| median(&mut figures.collect::<Vec<f64>>());
    let medians = [0, 1, 2].map(|client| of(&mut single.iter().map(|round| round[client].median)));
    println!("1 in flight, median: C {:.1} µs, Rust {:.1} µs, with tokio {:.1} µs", medians[0], medians[1], medians[2]);
    let rates = [0, 1].map(|client| of(&mut many.iter().map(|round| round[client].rate)));
    let waits = [0, 1].map(|client| of(&mut many.iter().map(|round| round[client].median)));
    let share = of(&mut many.iter().map(|round| round[1].rate / round[0].rate));
    println!(
        "{IN_FLIGHT} in flight: C {:.0} requests/s (median {:.0} µs), Rust with tokio {:.0} requests/s (median {:.0} µs); \
         of C's rate in the same round: {share:.2}",
        rates[0], waits[0], rates[1], waits[1]
    );
}
