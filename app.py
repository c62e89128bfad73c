"""The app's entry: ``streamlit run app.py``. The pages do the rest."""

import streamlit as st


def main() -> None:
    st.set_page_config(page_title="ECG robustness lab", page_icon="🫀", layout="wide")
    pages = [st.Page("pages/beat_lab.py", title="Beat lab", icon=":material/ecg_heart:", default=True)]
    st.navigation(pages).run()


if __name__ == "__main__":
    main()
