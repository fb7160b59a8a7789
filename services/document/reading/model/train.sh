#!/bin/sh
# Trains ocrb.traineddata, the model that reads machine-readable zones, from lines drawn by crates/specimen.
#
#   services/document/reading/model/train.sh [WORK_FOLDER]
#
# Needs: cargo, and tesseract 5 with its training tools (Debian: apt-get install tesseract-ocr).
# One core is busy for about an hour. After every stage ocrb.traineddata is replaced, so it can be
# stopped at any time; started again with the same folder it goes on where it was.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
repository=$(cd "$here/../../../.." && pwd)
work=${1:-$(mktemp -d)}
lines=${LINES:-6000}             # training lines, seeds 0 and up
held_out=${HELD_OUT:-300}        # lines the training never sees, seeds 1000000 and up
# up to which iteration : at which learning rate
stages=${STAGES:-"10000:0.002 17000:0.001 27000:0.0003"}

export OMP_THREAD_LIMIT=1        # with more threads tesseract is many times slower
mkdir -p "$work/start"

draw() { # FOLDER COUNT FIRST_SEED: drawn lines, then each as tesseract's training record
    [ -e "$work/$1.list" ] && return
    (cd "$repository" && cargo run --quiet --release -p specimen --example training_lines -- "$work/$1" "$2" "$3")
    find "$work/$1" -name 'line-*.png' | sed 's/\.png$//' |
        xargs -P "$(nproc)" -I{} tesseract {}.png {} --psm 13 lstm.train 2>"$work/$1.log"
    find "$work/$1" -name 'line-*.lstmf' | sort >"$work/$1.list"
}
draw lines "$lines" 0
draw held-out "$held_out" 1000000

if [ ! -e "$work/start/ocrb/ocrb.traineddata" ]; then
    # 500 lines hold every character, and still fit into one call.
    find "$work/lines" -name 'line-*.box' | sort | head -500 |
        xargs unicharset_extractor --norm_mode 1 --output_unicharset "$work/start/ocrb.unicharset"
    # Only Han characters have strokes and radicals; the tool wants the file all the same.
    echo '# no radicals' >"$work/start/radical-stroke.txt"
    combine_lang_model --lang ocrb --input_unicharset "$work/start/ocrb.unicharset" \
        --script_dir "$work/start" --output_dir "$work/start" --pass_through_recoder
fi
classes=$(head -1 "$work/start/ocrb/ocrb.unicharset")

for stage in $stages; do
    iterations=${stage%:*}
    [ -e "$work/done-$iterations" ] && continue
    lstmtraining --traineddata "$work/start/ocrb/ocrb.traineddata" \
        --net_spec "[1,40,0,1 Ct3,3,16 Mp3,3 Lfys48 Lfx96 Lrx96 Lfx192 O1c$classes]" \
        --reset_learning_rate --learning_rate "${stage#*:}" \
        --train_listfile "$work/lines.list" --eval_listfile "$work/held-out.list" \
        --model_output "$work/ocrb" --max_iterations "$iterations" >>"$work/training.log" 2>&1
    lstmtraining --stop_training --convert_to_int \
        --traineddata "$work/start/ocrb/ocrb.traineddata" \
        --continue_from "$work/ocrb_checkpoint" --model_output "$work/ocrb-$iterations.traineddata"
    cp "$work/ocrb-$iterations.traineddata" "$here/ocrb.traineddata"
    printf '%s iterations: ' "$iterations"
    lstmeval --model "$work/ocrb-$iterations.traineddata" --eval_listfile "$work/held-out.list" 2>&1 | grep 'eval='
    touch "$work/done-$iterations"
done
