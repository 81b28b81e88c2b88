# Says once a minute that it is alive, and ends when it is told to.
trap 'exit 0' TERM
while true; do
	echo "worker $DYNO is alive"
	sleep 60 &
	wait $!
done
