# tutorial.sh SOURCES FOLDER ROUTE [FILE...]: runs the commands of a tutorial in FOLDER/ROUTE, with the tools
# installed in FOLDER/home/linnet; output in FOLDER/ROUTE.out and .err.
sources=$1 folder=$2 route=$3
shift 3
cp "$sources"/docs/tutorials/"$route"/* "$sources"/docs/tutorials/model.mlir "$@" "$folder/$route"
python3 "$sources"/test/Integration/Inputs/extract.py "$folder/$route/README.md" sh all > "$folder/$route.sh"
cd "$folder/$route" || exit 1
HOME=$folder/home PATH=$folder/home/linnet/bin:$PATH \
  sh -e "$folder/$route.sh" > "$folder/$route.out" 2> "$folder/$route.err" ||
  { cat "$folder/$route.err"; exit 1; }
