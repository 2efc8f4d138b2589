package sluice.client.examples;

import java.util.Locale;
import sluice.client.Answers;
import sluice.client.SluiceClient;
import sluice.v1.Box;
import sluice.v1.DetectOptions;
import sluice.v1.DetectRequest;
import sluice.v1.DetectResponse;
import sluice.v1.Detection;
import sluice.v1.StreamOptions;

/**
 * Finds objects in pictures and prints one line for each.
 *
 * <p>Flags: --server HOST:PORT, --model NAME, --score-threshold SCORE; --tls with --ca FILE, --cert FILE and
 * --key FILE; --token TOKEN; then the pictures. Exit code 1 when a picture or the stream failed; the others are still answered.
 */
public final class Detect {
    private Detect() {}

    public static void main(String[] arguments) {
        Program.run("detect", arguments, Detect::detect);
    }

    private static int detect(Program program, SluiceClient client) {
        DetectOptions.Builder options = DetectOptions.newBuilder()
                .setStream(StreamOptions.newBuilder().setModel(program.flag("model", "")));
        if (program.has("score-threshold")) {
            options.setScoreThreshold(Float.parseFloat(program.flag("score-threshold", "")));
        }
        Iterable<DetectRequest> frames =
                program.frames(frame -> DetectRequest.newBuilder().setFrame(frame).build());
        int exitCode = 0;
        try (Answers<DetectResponse> answers = client.detect(frames, options.build())) {
            for (DetectResponse answer : answers) {
                String id = answer.getFrame().getFrameId();
                if (Program.reportError(answer.getFrame())) {
                    exitCode = 1;
                } else if (answer.getDetectionsCount() == 0) {
                    System.out.println(id + ": nothing found");
                }
                for (Detection detection : answer.getDetectionsList()) {
                    System.out.println(id + ": " + describe(detection));
                }
            }
        }
        return exitCode;
    }

    private static String describe(Detection detection) {
        String what = detection.getLabel().isEmpty() ? "class " + detection.getClassId() : detection.getLabel();
        Box box = detection.getBox();
        return String.format(
                Locale.ROOT,
                "%s %.3f at (%d, %d)-(%d, %d)",
                what,
                detection.getScore(),
                Math.round(box.getLeft()),
                Math.round(box.getTop()),
                Math.round(box.getRight()),
                Math.round(box.getBottom()));
    }
}
