package sluice.client;

import java.util.function.BooleanSupplier;
import sluice.v1.FramePolicy;
import sluice.v1.StreamOptions;

/** How many frames may be sent and not yet answered; one stream's sender waits here. */
final class FlightLimit {
    /** Frames in flight in the server where a stream asks for none; see StreamOptions.window. */
    private static final int SERVER_WINDOW = 8;

    private final int most;
    private int flying;
    private boolean closed;

    /**
     * As many frames on their way as the server works on, so that its window never runs empty. Live video must not wait
     * for answers: the server drops what is late.
     */
    FlightLimit(StreamOptions options) {
        int window = options.getWindow() == 0 ? SERVER_WINDOW : options.getWindow();
        most = options.getFramePolicy() == FramePolicy.FRAME_POLICY_LATEST ? Integer.MAX_VALUE : 2 * window;
    }

    /** Waits until the call takes a message and there is room for one more frame. False: the stream has ended. */
    synchronized boolean takeOff(BooleanSupplier ready) throws InterruptedException {
        while (!closed && (flying >= most || !ready.getAsBoolean())) {
            wait();
        }
        flying++;
        return !closed;
    }

    /** A frame has been answered. */
    synchronized void land() {
        flying--;
        notifyAll();
    }

    /** The call may be ready now. */
    synchronized void look() {
        notifyAll();
    }

    /** Frees the sender for good. */
    synchronized void close() {
        closed = true;
        notifyAll();
    }
}
