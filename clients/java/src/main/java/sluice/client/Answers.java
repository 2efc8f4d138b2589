package sluice.client;

import io.grpc.Status;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.grpc.stub.StreamObserver;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Function;

/**
 * The answers to one stream of frames, in the order of the frames: an iterator that waits for the next one. For one
 * thread; only {@link #close} may be called from another.
 *
 * <p>A frame that failed is answered with an error in its FrameInfo, and the stream goes on. A stream that failed throws
 * {@link io.grpc.StatusRuntimeException}. What the frames' own iterator throws is thrown here, after the answers to the
 * frames before.
 *
 * <p>Frames are taken in a thread of their own, one by one, as the server answers; the thread stops at the next frame when
 * the answers are closed.
 */
public final class Answers<Response> implements Iterator<Response>, Iterable<Response>, AutoCloseable {
    /** Answers that may wait here; HTTP/2 flow control holds back the rest. */
    private static final int WAITING_ANSWERS = 8;

    /** What the stream brings: an answer, or its end with the reason, OK or not. */
    private record Event<Response>(Response answer, Throwable failure, boolean last) {}

    private final BlockingQueue<Event<Response>> events = new LinkedBlockingQueue<>();
    private final FlightLimit limit;
    private ClientCallStreamObserver<?> call;
    private Event<Response> next;

    /** Set by the sender before it half-closes, so before the stream's last event. */
    private volatile RuntimeException failureOfFrames;

    private Answers(FlightLimit limit) {
        this.limit = limit;
    }

    /** `opening` carries the options alone, so that mistakes in them are told even where there is no frame. */
    static <Request, Response> Answers<Response> open(
            Function<StreamObserver<Response>, StreamObserver<Request>> method,
            Request opening,
            Iterator<Request> frames,
            FlightLimit limit) {
        Answers<Response> answers = new Answers<>(limit);
        // What a stub answers a ClientResponseObserver with.
        ClientCallStreamObserver<Request> call =
                (ClientCallStreamObserver<Request>) method.apply(answers.<Request>observer());
        answers.call = call;
        call.onNext(opening);
        Thread sender = new Thread(() -> answers.send(call, frames), "sluice-frames");
        sender.setDaemon(true);
        sender.start();
        return answers;
    }

    @Override
    public boolean hasNext() {
        if (next == null) {
            next = take();
        }
        if (!next.last) {
            return true;
        }
        if (next.failure instanceof RuntimeException failure) {
            throw failure;
        }
        if (failureOfFrames != null) {
            throw failureOfFrames;
        }
        return false;
    }

    @Override
    public Response next() {
        if (!hasNext()) {
            throw new NoSuchElementException();
        }
        Response answer = next.answer;
        next = null;
        limit.land();
        call.request(1);
        return answer;
    }

    /** Itself: the answers can be gone through once. */
    @Override
    public Iterator<Response> iterator() {
        return this;
    }

    /** Cancels what has not been answered. A thread that waits for an answer gets CANCELLED. */
    @Override
    public void close() {
        limit.close();
        call.cancel("the answers were closed", null);
    }

    private Event<Response> take() {
        try {
            return events.take();
        } catch (InterruptedException interrupted) {
            close();
            Thread.currentThread().interrupt();
            Status status = Status.CANCELLED.withDescription("interrupted while waiting for an answer");
            return new Event<>(null, status.withCause(interrupted).asRuntimeException(), true);
        }
    }

    private <Request> ClientResponseObserver<Request, Response> observer() {
        return new ClientResponseObserver<>() {
            @Override
            public void beforeStart(ClientCallStreamObserver<Request> starting) {
                starting.disableAutoRequestWithInitial(WAITING_ANSWERS);
                starting.setOnReadyHandler(limit::look);
            }

            @Override
            public void onNext(Response answer) {
                events.add(new Event<>(answer, null, false));
            }

            @Override
            public void onError(Throwable failure) {
                limit.close();
                events.add(new Event<>(null, failure, true));
            }

            @Override
            public void onCompleted() {
                limit.close();
                events.add(new Event<>(null, null, true));
            }
        };
    }

    private <Request> void send(ClientCallStreamObserver<Request> stream, Iterator<Request> frames) {
        try {
            while (limit.takeOff(stream::isReady)) {
                Request frame = nextOf(frames);
                if (frame == null) {
                    stream.onCompleted();
                    return;
                }
                stream.onNext(frame);
            }
        } catch (InterruptedException interrupted) {
            stream.cancel("the sender was interrupted", interrupted);
        } catch (IllegalStateException cancelled) {
            // Somebody has closed the answers since the look at `limit`; gRPC takes nothing more, and nobody waits for it.
        }
    }

    /** Null: there is none, or getting it failed. */
    private <Request> Request nextOf(Iterator<Request> frames) {
        try {
            return frames.hasNext() ? frames.next() : null;
        } catch (RuntimeException failure) {
            failureOfFrames = failure;
            return null;
        }
    }
}
